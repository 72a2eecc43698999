//! Conditional setters.

/// Sets on an order what the command line gives, and leaves the rest at the order's defaults.
pub(crate) trait ApplyIf: Sized {
    /// Applies a setter if a switch is on.
    fn when(self, on: bool, set: impl FnOnce(Self) -> Self) -> Self {
        if on { set(self) } else { self }
    }
    /// Applies a setter to a value, if there is one.
    fn with<V>(self, value: Option<V>, set: impl FnOnce(Self, V) -> Self) -> Self {
        match value {
            Some(value) => set(self, value),
            None => self,
        }
    }
    /// Applies a setter to each value.
    fn each<V>(self, values: impl IntoIterator<Item = V>, set: impl Fn(Self, V) -> Self) -> Self {
        values.into_iter().fold(self, set)
    }
}

impl<T> ApplyIf for T {}
