//! A registry that cannot read its key any more: the cause found, mended by the order that comes with it, and looked at again.

mod ground;

use cmk::{Diagnosis, Order, Symptom};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    ground.pass("A day passes.", Duration::from_secs(86_400)).await;
    ground.stage("Somebody closes the vault's firewall, to trusted services too.", |world| {
        world.mutate_vault_firewall(&staged.vault, true, false, &[]);
    });
    ground.pass("An hour passes.", Duration::from_secs(3_600)).await;

    // What a pull says, which names no cause.
    let text = "Access to Key Encryption Key is forbidden.";
    let diagnosis = look(&ground, Symptom::read(text)).await?;
    let Some(finding) = diagnosis.findings.first() else {
        say!("\nNothing to mend.");
        return Ok(());
    };
    say!("\nThe first remedy of {} is an order of cmk's:", finding.code);
    match finding.order() {
        Some(Order::Bypass(order)) => {
            ground.carry_out(cmk::bypass(&ground.azure, order.clone())).await?;
        }
        Some(other) => say!("  cmk {} {}", other.workflow(), other.subject()),
        None => say!("  none; see what else it says"),
    }
    say!("");
    look(&ground, None).await?;
    say!("\n`cmk diagnose --fix` does the same for every finding that has an order.");
    Ok(())
}

/// Its way to its key only. Without `only`, logins, networks, this machine and logs are looked at as well.
async fn look(ground: &Ground, seen: Option<Symptom>) -> anyhow::Result<Diagnosis> {
    let mut look = cmk::diagnose(&ground.azure, &ground.registry()?).only(["key"]);
    if let Some(symptom) = seen {
        look = look.symptom(symptom);
    }
    let diagnosis = look.await?;
    for line in diagnosis.to_string().lines() {
        say!("{}", ground::tell::short(line));
    }
    Ok(diagnosis)
}
