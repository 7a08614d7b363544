//! Whether a process can do its work, and if not, why.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use fairway_types::ChannelId;
use serde::Serialize;
use serde_json::json;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unready {
    /// A stable word: `chain`, `storage`, `catching_up`, `tail_lost`, `channel`.
    pub what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    pub reason: String,
}

/// 200 when there is no reason, 503 with the reasons otherwise.
pub(super) fn ready(reasons: &[Unready]) -> Response {
    let status = match reasons.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = json!({ "ready": reasons.is_empty(), "reasons": reasons }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
