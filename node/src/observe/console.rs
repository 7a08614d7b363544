//! The console: a page for operators under `/console`, and the API as far as it reads under
//! `/console/rpc`, which is what the page asks. The page's files are those of `sdk/console`, built and
//! committed under `node/console` (docs/adr/0037).

use std::net::IpAddr;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{any, get},
};
use fairway_ledger::rpc::{Limits, Mount};
use sha2::{Digest, Sha256};

/// What the page may ask: nothing of it changes anything, or waits for long.
pub const READS: &[&str] = &[
    "state_channel.status",
    "state_channel.list",
    "state_channel.get",
    "state_channel.abi",
    "state_channel.activity",
    "state_channel.peers",
    "state_channel.sequence",
    "state_channel.sessions",
    "state_channel.report",
    "state_channel.view",
    "state_channel.resource",
    "state_channel.state",
    "state_channel.trace",
    "state_channel.blocks",
    "state_channel.proposals",
    "state_channel.evidence",
    "state_channel.evidence_file",
    "state_channel.subscribe",
    "state_channel.unsubscribe",
    "chain.info",
    "chain.sequence",
    "chain.balance",
    "chain.channel",
    "chain.package",
    "chain.transaction",
    "chain.abi",
    "chain.view",
    "chain.block",
    "chain.blocks",
    "chain.accounts",
    "chain.contracts",
    "chain.packages",
    "chain.events",
    "chain.subscribe_events",
    "chain.unsubscribe_events",
];

/// What pages that are open at a time may ask for.
pub const LIMITS: Limits = Limits {
    request_bytes: 64 << 10,
    answer_bytes: 64 << 20,
    connections: 64,
    subscriptions: 64,
    waiting: &[],
};

/// Nothing from elsewhere, nothing inline, and no page around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// A file of the page.
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "index.html",
        kind: "text/html; charset=utf-8",
        text: include_str!("../../console/index.html"),
    },
    Asset {
        name: "console.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("../../console/console.js"),
    },
    Asset {
        name: "console.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("../../console/console.css"),
    },
];

/// The page's routes; what it asks is answered by `mount`.
pub fn routes(mount: Mount) -> Router {
    Router::new()
        .route("/console", get(|| async { Redirect::permanent("console/") }))
        .route("/console/", get(|headers: HeaderMap| async move { file("index.html", &headers) }))
        .route(
            "/console/{name}",
            get(
                |Path(name): Path<String>, headers: HeaderMap| async move { file(&name, &headers) },
            ),
        )
        .route("/console/rpc", any(ask).with_state(mount))
}

async fn ask(
    State(mount): State<Mount>,
    ConnectInfo(from): ConnectInfo<IpAddr>,
    request: Request,
) -> Response {
    mount.answer(request, from).map(Body::new)
}

/// A file that the browser asks for again each time, and is sent when it is another one.
fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "the console has no such file: ask for /console/\n")
            .into_response();
    };
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(asset.text)[..16]));
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == tag);
    let mut response = match same {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, asset.kind)], asset.text).into_response(),
    };
    let says = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let headers = response.headers_mut();
    for (name, value) in says {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served_with_its_policy() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/console");
        let there: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| asset.name.to_owned()).collect();
        assert_eq!(there, served);
        for asset in &ASSETS {
            let answer = file(asset.name, &HeaderMap::new());
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()[header::CONTENT_TYPE], asset.kind);
            assert_eq!(answer.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
            let mut known = HeaderMap::new();
            known.insert(header::IF_NONE_MATCH, answer.headers()[header::ETAG].clone());
            assert_eq!(file(asset.name, &known).status(), StatusCode::NOT_MODIFIED);
        }
        assert_eq!(file("../Cargo.toml", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }
}
