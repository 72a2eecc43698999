//! `azure-sim worlds` and `azure-sim troubles`: what there is to begin with.

use anyhow::Context as _;
use clap::Args;
use cmk_mocks::{
    troubles,
    worlds::{self, Base, READY_MADE},
};
use std::io::Write as _;

/// The arguments of `worlds`.
#[derive(Debug, Args)]
pub(crate) struct Worlds {
    /// Print the description of this one, to begin one of your own with.
    name: Option<String>,
}

impl Worlds {
    pub(crate) fn go(self) -> anyhow::Result<()> {
        let Some(name) = self.name else {
            let mut text = String::new();
            for world in READY_MADE {
                let about = worlds::ready_made(world.name, &Base::default())?.about.unwrap_or_default();
                text += &format!("{:12} {about}\n", world.name);
            }
            return say(&text);
        };
        match READY_MADE.iter().find(|w| w.name == name) {
            Some(world) => say(world.text),
            None => worlds::ready_made(&name, &Base::default()).map(|_| ()).map_err(anyhow::Error::from),
        }
    }
}

/// The arguments of `troubles`.
#[derive(Debug, Args)]
pub(crate) struct Troubles {
    /// Print the causes too that lie outside every world, with the reason.
    #[arg(long)]
    outside: bool,
}

impl Troubles {
    pub(crate) fn go(self) -> anyhow::Result<()> {
        let mut text: String = troubles::all().map(|t| format!("{:30} {}\n", t.name(), t.about())).collect();
        if self.outside {
            text.extend(troubles::outside().iter().map(|o| format!("{:30} outside: {}\n", o.name, o.why)));
        }
        say(&text)
    }
}

pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot print")
}
