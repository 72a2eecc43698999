//! The commands: a file each, and the table of them all.

mod help;
#[cfg(test)]
mod tests;

pub(crate) use help::{man_page, overview};

use crate::{
    cli::Globals,
    exit_code::Exit,
    render::{self, Document, Summarize as _, Summary},
};
use clap::Subcommand;
use cmk::{Outcome, journal::RunName};

/// What the commands of a group are for: the headings of `cmk --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Encrypt,
    Rotate,
    Repair,
    Network,
    Access,
    Inspect,
    Runs,
    /// About cmk itself: they connect to nothing.
    Tools,
}

impl Group {
    pub(crate) const ALL: [Self; 8] = [
        Self::Encrypt,
        Self::Rotate,
        Self::Repair,
        Self::Network,
        Self::Access,
        Self::Inspect,
        Self::Runs,
        Self::Tools,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Encrypt => "Encrypt",
            Self::Rotate => "Rotate",
            Self::Repair => "Repair",
            Self::Network => "Network",
            Self::Access => "Access",
            Self::Inspect => "Inspect",
            Self::Runs => "Runs",
            Self::Tools => "Tools",
        }
    }
}

/// A JSON schema, by the kind of document that it describes.
pub(crate) type Schema = (&'static str, &'static str);

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) group: Group,
    module: &'static str,
    /// The schemas of the documents that only this command prints.
    pub(crate) schemas: &'static [Schema],
    /// What its help shows.
    #[cfg_attr(not(test), expect(dead_code, reason = "help shows them by the attribute of the command's arguments"))]
    pub(crate) examples: &'static [&'static str],
}

impl Entry {
    /// The command's name.
    pub(crate) fn verb(&self) -> String {
        self.module.replace('_', "-")
    }
}

/// Makes the commands of the table: their modules, the enum that clap parses, and what is done for each.
macro_rules! commands {
    ($( $group:ident: $module:ident::$command:ident $(=> $outcome:ident)?; )+) => {
        $( mod $module; )+

        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $( $command(Box<$module::Args>), )+
        }

        /// All commands, in the order of the help.
        pub(crate) const TABLE: &[Entry] = &[$( Entry {
            group: Group::$group,
            module: stringify!($module),
            schemas: $module::SCHEMAS,
            examples: $module::EXAMPLES,
        }, )+];

        impl Command {
            /// The group it stands in.
            pub(crate) fn group(&self) -> Group {
                match self {
                    $( Self::$command(_) => Group::$group, )+
                }
            }

            /// Carries it out.
            pub(crate) async fn run(&self, globals: &Globals) -> anyhow::Result<Exit> {
                match self {
                    $( Self::$command(args) => $module::run(args, globals).await, )+
                }
            }
        }

        fn summary(outcome: &Outcome) -> Option<Summary> {
            match outcome {
                $( $( Outcome::$outcome(outcome) => Some(outcome.summary()), )? )+
                _ => None,
            }
        }
    };
}

// A line a command, by groups in the order of the help: its group, its module and name, and the outcome of its run, if it has
// one. The module holds `Args`, `EXAMPLES`, `SCHEMAS`, `run` and how the outcome is shown.
commands! {
    Encrypt: create::Create => Created;
    Encrypt: import_key::ImportKey => ImportedKey;
    Encrypt: template::Template;
    Encrypt: deploy::Deploy => DeployedTemplate;
    Rotate: rotate::Rotate => Rotated;
    Rotate: auto_rotate::AutoRotate => AutoRotated;
    Rotate: retire::Retire => Retired;
    Repair: reassign::Reassign => Reassigned;
    Repair: recover::Recover => Recovered;
    Repair: repair::Repair => Repaired;
    Network: bypass::Bypass => Bypassed;
    Network: vault_network::VaultNetwork => NetworkChanged;
    Network: registry_network::RegistryNetwork => RegistryNetworkChanged;
    Network: firewall_rules::FirewallRules;
    Access: grant_access::GrantAccess => AccessGranted;
    Access: revoke::Revoke => Revoked;
    Access: restore::Restore => Restored;
    Access: login::Login;
    Access: logout::Logout;
    Inspect: status::Status;
    Inspect: list::List;
    Inspect: diagnose::Diagnose;
    Inspect: audit::Audit;
    Inspect: logs::Logs => LogsSent;
    Runs: apply::Apply;
    Runs: runs::Runs;
    Runs: resume::Resume;
    Runs: abandon::Abandon;
    Runs: rollback::Rollback => RolledBack;
    Tools: completions::Completions;
    Tools: man::Man;
    Tools: schema::Schema;
}

/// The outcome of a run, ready to be printed.
pub(crate) fn outcome(run: &RunName, outcome: &Outcome) -> anyhow::Result<Document> {
    let Some(summary) = summary(outcome) else {
        anyhow::bail!("an outcome that this program cannot print: {outcome:?}")
    };
    render::outcome(run, outcome, summary)
}
