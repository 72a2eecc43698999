//! Where the client under test stands, as far as names and networks go.

use crate::World;
use serde::{Deserialize, Serialize};

/// Where the client stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientPlace {
    /// Somewhere on the internet, with public name servers.
    #[default]
    Internet,
    /// In a subnet, by its id; it asks whom its virtual network tells it to ask.
    Subnet(String),
}

impl World {
    /// Where the client stands.
    pub fn client_place(&self) -> &ClientPlace {
        &self.client_place
    }

    /// Puts the client somewhere else.
    pub fn mutate_client_place(&mut self, place: ClientPlace) {
        self.client_place = place;
    }
}
