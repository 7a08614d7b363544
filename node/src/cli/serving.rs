//! What every process that serves has: a port for operators, and logs.

use std::sync::Arc;

use anyhow::Context;
use fairway::{
    config::{Access, Http, Log, LogFormat},
    observe::{self, HttpServer, Subject, console},
};
use fairway_ledger::rpc;
use jsonrpsee::Methods;
use tracing_subscriber::{EnvFilter, fmt};

/// Serves operators, where the configuration says so. The console asks methods of its own, so that what
/// it reads waits behind no app, and no app behind it.
pub(crate) async fn serve_operators<M: Into<Methods>>(
    http: &Http,
    access: &Access,
    subject: impl Subject,
    (methods, denials): (impl FnOnce() -> anyhow::Result<M>, Arc<rpc::Denials>),
) -> anyhow::Result<Option<HttpServer>> {
    let Some(address) = http.listen else { return Ok(None) };
    let mut routes = observe::router(Arc::new(subject));
    if http.console {
        let access = (access.for_node(), address.ip());
        let (reads, limits) = (console::READS, console::LIMITS);
        let mount = rpc::Mount::new(methods()?, reads, limits, access, denials);
        routes = routes.merge(console::routes(mount));
    }
    Ok(Some(HttpServer::start(routes, address, access.hosts.clone()).await?))
}

/// Where a port for operators is reached.
pub(crate) fn url_of(http: &HttpServer) -> String {
    format!("http://{}", http.address)
}

/// Where its console is, if it has one.
pub(crate) fn console_of(http: &HttpServer, config: &Http) -> Option<String> {
    config.console.then(|| format!("{}/console/", url_of(http)))
}

/// Logs go to standard error.
pub(crate) fn start_logging(wanted: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&wanted.filter)
        .with_context(|| format!("`log.filter`: {:?} is no filter", wanted.filter))?;
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let log = log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    match wanted.format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.init(),
    }
    Ok(())
}
