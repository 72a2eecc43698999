//! Entra ID: the token endpoint and the machine's metadata endpoint.

use crate::world::services::Service;

mod errors;
mod routes;

pub(crate) const SERVICE: Service = Service {
    answer: |world, call| match call.host.as_str() {
        // The metadata endpoint of the machine.
        "169.254.169.254" => Some(routes::handle_imds(world, call)),
        host => world.setup.cloud.is_login_host(host).then(|| routes::handle(world, call)),
    },
    ..Service::NOTHING
};
