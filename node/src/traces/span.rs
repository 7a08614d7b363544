//! One finished span, and how ids are cut from hashes.

use std::{borrow::Cow, time::SystemTime};

use fairway_types::{ChannelId, Hash};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks};

/// Where a span stands: its trace, its id, and what it is a part of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    trace: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    /// Whether the parent is another node's.
    remote: bool,
}

impl Place {
    /// The span that begins the trace of what has this hash.
    pub(super) fn root(of: &Hash) -> Self {
        Self { trace: trace_id(of), id: root_id(of), parent: None, remote: false }
    }

    /// A span of this node in the trace that another node's span begins.
    pub(super) fn beside(of: &Hash) -> Self {
        Self { trace: trace_id(of), id: fresh(), parent: Some(root_id(of)), remote: true }
    }

    /// A part of this one.
    pub(super) fn part(&self) -> Self {
        Self { trace: self.trace, id: fresh(), parent: Some(self.id), remote: false }
    }
}

/// Something that took time.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) kind: SpanKind,
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
    pub(super) attributes: Vec<KeyValue>,
    /// What it waited for: what has this hash.
    pub(super) link: Option<Hash>,
    pub(super) error: Option<Cow<'static, str>>,
}

impl Span {
    pub(super) fn new(
        name: &'static str,
        place: Place,
        start: SystemTime,
        end: SystemTime,
    ) -> Self {
        let (attributes, link, error) = (Vec::new(), None, None);
        // A clock that was set back makes no span that ends before it begins.
        let end = end.max(start);
        Self { name, place, kind: SpanKind::Internal, start, end, attributes, link, error }
    }

    pub(super) fn with(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.attributes.extend(attributes);
        self
    }
}

impl From<Span> for SpanData {
    fn from(span: Span) -> Self {
        let mut links = SpanLinks::default();
        links.links.extend(span.link.map(|of| {
            let root = Place::root(&of);
            Link::with_context(context(root.trace, root.id, true))
        }));
        let Place { trace, id, parent, remote } = span.place;
        Self {
            span_context: context(trace, id, false),
            parent_span_id: parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: remote,
            span_kind: span.kind,
            name: span.name.into(),
            start_time: span.start,
            end_time: span.end,
            attributes: span.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: span.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: InstrumentationScope::builder("fairway").build(),
        }
    }
}

fn context(trace: TraceId, id: SpanId, is_remote: bool) -> SpanContext {
    SpanContext::new(trace, id, TraceFlags::SAMPLED, is_remote, TraceState::NONE)
}

fn trace_id(of: &Hash) -> TraceId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&of.0[..16]);
    TraceId::from_bytes(bytes)
}

fn root_id(of: &Hash) -> SpanId {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&of.0[16..24]);
    SpanId::from_bytes(bytes)
}

fn fresh() -> SpanId {
    RandomIdGenerator::default().new_span_id()
}

pub(super) fn text(key: &'static str, value: impl Into<Cow<'static, str>>) -> KeyValue {
    KeyValue::new(key, value.into())
}

pub(super) fn number(key: &'static str, value: u64) -> KeyValue {
    KeyValue::new(key, i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) fn channel(id: ChannelId) -> KeyValue {
    text("fairway.channel", id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_from_the_hash_alike_on_every_node() {
        let mut hash = Hash::ZERO;
        hash.0.iter_mut().zip(0u8..).for_each(|(byte, place)| *byte = place);
        let (leader, follower) = (Place::root(&hash), Place::beside(&hash));
        assert_eq!(leader.trace.to_string(), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(leader.id.to_string(), "1011121314151617");
        assert_eq!((follower.trace, follower.parent), (leader.trace, Some(leader.id)));
        assert_eq!(follower.part().parent, Some(follower.id));
    }

    #[test]
    fn clock_that_is_set_back_ends_no_span_before_it_begins() {
        let (early, late) = (SystemTime::UNIX_EPOCH, SystemTime::now());
        let span = Span::new("call", Place::root(&Hash::ZERO), late, early);
        assert_eq!(span.end, late);
    }
}
