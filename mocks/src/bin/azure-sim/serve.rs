//! `azure-sim` itself: serves until it is told to stop.

use crate::{stop::Stop, world::WorldArgs};
use anyhow::Context as _;
use clap::Args;
use cmk_mocks::{Authority, Limits, Server, Sim, Surroundings};
use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

/// The arguments of serving.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Port to listen on at 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Be an HTTPS proxy too, and end TLS for the cloud's hosts with certificates of a CA that is made at each start;
    /// `azure-sim env` prints what clients then need. Other hosts are refused.
    #[arg(long)]
    tls: bool,
    #[command(flatten)]
    world: WorldArgs,
}

impl Serve {
    pub(crate) async fn go(self) -> anyhow::Result<()> {
        let sim = self.world.open()?;
        let (server, surroundings) = match self.tls {
            true => proxy(&sim, self.port).await.map(|(server, around)| (server, Some(around)))?,
            false => (Server::start(sim.clone(), self.port).await.with_context(|| unheard(self.port))?, None),
        };
        let mut stop = Stop::listen()?;
        // Those who started us wait for this line, and may close the pipe after it.
        let mut out = std::io::stdout();
        writeln!(out, "azure-sim listening on {}", server.url())
            .and_then(|()| out.flush())
            .context("cannot say the port")?;
        if surroundings.is_some() {
            eprintln!("for a shell: eval \"$(azure-sim env --port {})\"", server.addr().port());
        }

        stop.come().await?;
        server.shutdown().await;
        self.world.close(&sim)
    }
}

fn unheard(port: u16) -> String {
    format!("cannot listen on port {port}")
}

/// A server that is a proxy too, with what its clients need.
pub(crate) async fn proxy(sim: &Sim, port: u16) -> anyhow::Result<(Server, Surroundings)> {
    let authority = Arc::new(Authority::new()?);
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let server = Server::start_proxy(sim.clone(), addr, Limits::default(), Arc::clone(&authority))
        .await
        .with_context(|| unheard(port))?;
    let surroundings =
        Surroundings::new(sim, &server, &authority).context("cannot write the files that clients need")?;
    Ok((server, surroundings))
}
