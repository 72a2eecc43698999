//! A body as it came, with a typed view of the part that is known.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error as _};
use serde_json::Value;
use std::ops::Deref;

/// A body of a service: typed where it is known, and whole.
///
/// Reads as `T`; prints as it came, members unknown to this version included.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept<T> {
    typed: T,
    whole: Value,
}

impl<T> Kept<T> {
    /// The body as it came.
    pub fn whole(&self) -> &Value {
        &self.whole
    }
    /// The typed part alone.
    pub fn into_typed(self) -> T {
        self.typed
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.typed
    }
}

impl<T> Serialize for Kept<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.whole.serialize(s)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let whole = Value::deserialize(d)?;
        let typed = T::deserialize(&whole).map_err(D::Error::custom)?;
        Ok(Self { typed, whole })
    }
}
