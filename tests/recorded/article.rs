//! The template of the tutorial's article, as it stands there, deployed by the library.

use crate::data;
use cmk::{Deploy, Irreversible, Template};
use cmk_mocks::{Delay, Params, VaultModel};
use cmk_tests::{
    Fixture,
    fixture::{GROUP, KEY, REGISTRY, VAULT, empty_with, subscription},
    run_paused,
};
use libtest_mimic::{Failed, Trial};
use std::{fs, path::PathBuf};

const TEST: &str = "article::the_tutorials_template_deploys_unchanged";

pub(crate) fn trials() -> Vec<Trial> {
    data::trials(missing(), &[TEST], || vec![Trial::test(TEST, deploys)])
}

fn articles() -> PathBuf {
    data::root().join("articles")
}

fn missing() -> Option<String> {
    (!articles().is_dir()).then(|| format!("no articles at {}: set CMK_DATA", articles().display()))
}

/// The first JSON block of the page that is a template.
fn template() -> Result<Template, Failed> {
    for file in fs::read_dir(articles())? {
        let text = fs::read_to_string(file?.path())?;
        if let Some(block) = text.split("```").find(|b| b.contains("/deploymentTemplate.json#")) {
            return Ok(Template::from_json(block.trim_start_matches("JSON"), None)?);
        }
    }
    Err("no article has a template".into())
}

fn deploys() -> Result<(), Failed> {
    let template = template()?;
    run_paused(async {
        // The template makes the registry without waiting for the access policy.
        let mut world = empty_with(Params { access_policy_delay: Delay::ZERO, ..Params::default() });
        let now = world.now();
        world.seed_vault(GROUP, VAULT, VaultModel::Policy);
        world.seed_key(VAULT, KEY, now);
        let fixture = Fixture::of(world);
        let key = fixture.key(KEY);
        let order = Deploy::new(subscription(), GROUP.parse()?, template)
            .parameter("vault_name", VAULT)
            .parameter("registry_name", REGISTRY)
            .parameter("identity_name", "id-article")
            .parameter("kek_id", key.to_string())
            .accept(Irreversible::Encryption);
        let plan = fixture.run(order.clone()).plan().await?;
        for made in ["registries/contoso1", "userAssignedIdentities/id-article"] {
            assert!(plan.notes.iter().any(|n| n.contains("Create") && n.contains(made)), "{plan}");
        }
        fixture.run(order).await?;
        let registry = fixture.seen();
        assert_eq!(registry.key_identifier, Some(key.to_string()));
        assert!(registry.encrypted && registry.state == "Succeeded", "{registry:#?}");
        Ok(())
    })
}
