//! The endpoints of the cloud, which clients read without a token: `GET /metadata/endpoints`.

use crate::{
    http::message::{Call, Fail, Reply},
    world::World,
};
use http::Method;
use serde_json::{Value, json};

/// None if the request is for something else.
pub(super) fn handle(world: &World, call: &Call) -> Option<Reply> {
    let here =
        call.method == Method::GET && call.path.trim_end_matches('/').eq_ignore_ascii_case("/metadata/endpoints");
    here.then(|| match call.api_version() {
        "" => super::errors::missing_version().into(),
        // Before 2019 it was one cloud, without its name.
        "2015-01-01" | "2018-01-01" | "2018-05-01" => Reply::json(200, old(world)),
        version if version.starts_with("20") => Reply::json(200, json!([cloud(world)])),
        version => Fail::new(400, "InvalidApiVersionParameter", format!("The api-version '{version}' is invalid."))
            .gateway()
            .into(),
    })
}

fn old(world: &World) -> Value {
    let cloud = world.setup.cloud;
    json!({
        "galleryEndpoint": format!("https://{}", cloud.arm_host()),
        "graphEndpoint": format!("https://{}", cloud.graph_host()),
        "authentication": {
            "loginEndpoint": format!("https://{}/", cloud.login_host()),
            "audiences": audiences(world),
            "tenant": "common",
            "identityProvider": "AAD",
        },
    })
}

fn audiences(world: &World) -> [String; 2] {
    [format!("https://{}", world.setup.cloud.classic_arm_host()), format!("https://{}", world.setup.cloud.arm_host())]
}

fn cloud(world: &World) -> Value {
    let cloud = world.setup.cloud;
    json!({
        "name": cloud.name(),
        "resourceManager": format!("https://{}/", cloud.arm_host()),
        "authentication": {
            "loginEndpoint": format!("https://{}", cloud.login_host()),
            "audiences": audiences(world),
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": format!("https://{}/", cloud.graph_host()),
        "microsoftGraphResourceId": format!("https://{}/", cloud.graph_host()),
        "logAnalyticsResourceId": format!("https://{}", cloud.log_host()),
        "suffixes": {
            "acrLoginServer": cloud.registry_suffix(),
            "keyVaultDns": cloud.vault_suffix(),
            "storage": cloud.blob_suffix().trim_start_matches("blob."),
        },
    })
}
