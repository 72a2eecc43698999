//! What goes over the wire, whatever the service: requests and answers, their forms, and the log of them.

pub(crate) mod exchange;
pub(crate) mod exchanges;
pub(crate) mod ip_range;
pub(crate) mod message;
pub(crate) mod odata;
pub(crate) mod redact;
pub(crate) mod time_format;
