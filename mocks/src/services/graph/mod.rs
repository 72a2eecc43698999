//! Microsoft Graph, as far as it tells who is who in the directory.

use crate::world::services::Service;

mod bodies;
mod errors;
mod routes;

pub(crate) const SERVICE: Service = Service {
    answer: |world, call| (call.host == world.setup.cloud.graph_host()).then(|| routes::handle(world, call)),
    ..Service::NOTHING
};
