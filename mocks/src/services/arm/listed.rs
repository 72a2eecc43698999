use crate::http::message::Object;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// One resource as the generic list has it.
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) location: String,
    pub(crate) tags: Object,
    pub(crate) sku: Option<Value>,
    pub(crate) identity: Option<Value>,
    pub(crate) system_data: Option<Value>,
    pub(crate) listed_from: OffsetDateTime,
}

impl Listed {
    /// Recorded: identities are there since 2019, who made it since 2020-10-01.
    pub(crate) fn body(&self, api: &str) -> Value {
        let mut o = Object::new();
        o.insert("id".into(), json!(self.id));
        o.insert("name".into(), json!(self.name));
        o.insert("type".into(), json!(self.kind));
        if let Some(sku) = &self.sku {
            o.insert("sku".into(), sku.clone());
        }
        o.insert("location".into(), json!(self.location));
        if let Some(identity) = self.identity.as_ref().filter(|_| api >= "2019") {
            o.insert("identity".into(), identity.clone());
        }
        o.insert("tags".into(), json!(self.tags));
        if let Some(data) = self.system_data.as_ref().filter(|_| api >= "2020-10-01") {
            o.insert("systemData".into(), data.clone());
        }
        Value::Object(o)
    }
}
