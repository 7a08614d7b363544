//! The JSON Schema of the whole surface: every method with its parameters and its result.

use std::collections::BTreeMap;

use fairway_types::{
    Address, AssetId, ChannelId, Gas, Hash, Height, PublicKey, SequenceNumber, Signature,
    SignedCall,
    abi::{ModuleAbi, PackageAbi},
    call::CallStatus,
    ledger::{PackageSource, SignedLedgerTransaction},
    refusal::RefusalData,
    session::Session,
    subscription::Filter,
    windows::Guard,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::{
    chain::{
        AccountView, Action, Amount, ChainEvent, ChainInfo, ContractView, LedgerBlock,
        LedgerBlockInFull, ObservedChannel, PackageView, PreparedTransaction, TransactionReport,
    },
    channel::{
        Activity, At, BlockView, CallReport, CallRequest, ChannelInfo, EvidenceFile, GasReport,
        Joined, NodeStatus, Notice, PeerView, PreparedCall, ProposalView, Proposed, ResourceRead,
        StatePage, VerdictView, Viewed,
    },
};

/// One method: its parameters by name, in order, and its result. For a subscription, `result` is
/// the schema of an item.
#[derive(Debug, Serialize)]
pub struct Method {
    pub name: &'static str,
    pub subscription: bool,
    pub params: Vec<Param>,
    pub result: Schema,
}

#[derive(Debug, Serialize)]
pub struct Param {
    pub name: &'static str,
    pub required: bool,
    pub schema: Schema,
}

/// The surface, as `docs/schema.json` shows it.
#[derive(Debug, Serialize)]
pub struct Surface {
    pub methods: Vec<Method>,
    /// `error.data` of every refusal.
    pub error_data: Schema,
    #[serde(rename = "$defs")]
    pub definitions: BTreeMap<String, Value>,
}

struct Builder {
    generator: SchemaGenerator,
    methods: Vec<Method>,
}

impl Builder {
    fn method<R: JsonSchema>(&mut self, name: &'static str) -> &mut Self {
        let result = self.generator.subschema_for::<R>();
        self.methods.push(Method { name, subscription: false, params: Vec::new(), result });
        self
    }

    fn subscription<R: JsonSchema>(&mut self, name: &'static str) -> &mut Self {
        self.method::<R>(name);
        if let Some(method) = self.methods.last_mut() {
            method.subscription = true;
        }
        self
    }

    fn needs<P: JsonSchema>(&mut self, name: &'static str) -> &mut Self {
        self.param::<P>(name, true)
    }

    fn takes<P: JsonSchema>(&mut self, name: &'static str) -> &mut Self {
        self.param::<P>(name, false)
    }

    fn param<P: JsonSchema>(&mut self, name: &'static str, required: bool) -> &mut Self {
        let schema = self.generator.subschema_for::<P>();
        if let Some(method) = self.methods.last_mut() {
            method.params.push(Param { name, required, schema });
        }
        self
    }
}

/// The surface of nodes (`state_channel.*` and `chain.*`) and of the ledger (`chain.*`).
#[must_use]
pub fn surface() -> Surface {
    let mut builder = Builder { generator: SchemaGenerator::default(), methods: Vec::new() };
    channel_methods(&mut builder);
    chain_methods(&mut builder);
    let error_data = builder.generator.subschema_for::<RefusalData>();
    let definitions = builder.generator.take_definitions(true).into_iter().collect();
    Surface { methods: builder.methods, error_data, definitions }
}

fn channel_methods(builder: &mut Builder) {
    builder.method::<NodeStatus>("state_channel.status");
    builder.method::<Vec<ChannelId>>("state_channel.list");
    builder.method::<ChannelInfo>("state_channel.get").needs::<ChannelId>("channel");
    builder.method::<PackageAbi>("state_channel.abi").needs::<ChannelId>("channel");
    for name in ["state_channel.create", "state_channel.join"] {
        builder.method::<Joined>(name).needs::<SignedLedgerTransaction>("transaction");
    }
    builder
        .method::<Signature>("state_channel.join_proof")
        .needs::<ChannelId>("channel")
        .needs::<Address>("account");
    builder.method::<ChannelInfo>("state_channel.open").needs::<ChannelId>("channel");
    builder
        .method::<SequenceNumber>("state_channel.sequence")
        .needs::<ChannelId>("channel")
        .needs::<Address>("account")
        .takes::<PublicKey>("session");
    builder.method::<Activity>("state_channel.activity").needs::<ChannelId>("channel");
    builder.method::<Vec<PeerView>>("state_channel.peers").takes::<ChannelId>("channel");
    builder
        .method::<Vec<Session>>("state_channel.sessions")
        .needs::<ChannelId>("channel")
        .needs::<Address>("account");
    builder
        .method::<PreparedCall>("state_channel.prepare")
        .needs::<ChannelId>("channel")
        .needs::<Address>("sender")
        .needs::<CallRequest>("request")
        .takes::<SequenceNumber>("sequence")
        .takes::<Gas>("gas_limit")
        .takes::<u64>("lifetime_ms");
    for name in ["state_channel.call", "state_channel.leave", "state_channel.close"] {
        builder.method::<CallReport>(name).needs::<SignedCall>("call").takes::<CallStatus>("wait");
    }
    builder
        .method::<Option<CallReport>>("state_channel.report")
        .needs::<ChannelId>("channel")
        .needs::<Hash>("call");
    builder
        .method::<Viewed>("state_channel.view")
        .needs::<ChannelId>("channel")
        .needs::<String>("function")
        .takes::<Vec<String>>("type_args")
        .needs::<Vec<Value>>("args")
        .takes::<At>("at")
        .takes::<Height>("height");
    builder
        .method::<ResourceRead>("state_channel.resource")
        .needs::<ChannelId>("channel")
        .needs::<Address>("address")
        .needs::<String>("type_tag")
        .takes::<At>("at")
        .takes::<Height>("height");
    builder
        .method::<StatePage>("state_channel.state")
        .needs::<ChannelId>("channel")
        .takes::<Height>("height")
        .takes::<String>("after")
        .takes::<u32>("limit");
    builder
        .method::<GasReport>("state_channel.trace")
        .needs::<ChannelId>("channel")
        .needs::<Height>("height")
        .needs::<u32>("place");
    builder
        .method::<Vec<BlockView>>("state_channel.blocks")
        .needs::<ChannelId>("channel")
        .needs::<Height>("from")
        .takes::<u32>("limit");
    builder.method::<Proposed>("state_channel.propose_settlement").needs::<ChannelId>("channel");
    builder.method::<Vec<ProposalView>>("state_channel.proposals").needs::<ChannelId>("channel");
    builder
        .method::<Guard>("state_channel.guard")
        .needs::<ChannelId>("channel")
        .needs::<Address>("account");
    builder.method::<Vec<VerdictView>>("state_channel.evidence").needs::<ChannelId>("channel");
    builder
        .method::<Option<EvidenceFile>>("state_channel.evidence_file")
        .needs::<ChannelId>("channel")
        .needs::<Hash>("evidence");
    builder
        .subscription::<Notice>("state_channel.subscribe")
        .needs::<ChannelId>("channel")
        .takes::<Height>("from")
        .takes::<Filter>("filter");
}

fn chain_methods(builder: &mut Builder) {
    builder.method::<ChainInfo>("chain.info");
    builder.method::<SequenceNumber>("chain.sequence").needs::<Address>("account");
    builder.method::<Amount>("chain.balance").needs::<Address>("account").takes::<AssetId>("asset");
    builder.method::<ObservedChannel>("chain.channel").needs::<ChannelId>("channel");
    builder.method::<PackageSource>("chain.package").needs::<Hash>("package");
    builder
        .method::<PreparedTransaction>("chain.prepare")
        .needs::<Address>("sender")
        .needs::<Action>("action");
    for name in ["chain.submit", "chain.simulate"] {
        builder.method::<TransactionReport>(name).needs::<SignedLedgerTransaction>("transaction");
    }
    builder.method::<Option<TransactionReport>>("chain.transaction").needs::<Hash>("transaction");
    builder
        .method::<TransactionReport>("chain.faucet")
        .needs::<Address>("account")
        .needs::<Amount>("amount");
    builder.method::<Vec<ModuleAbi>>("chain.abi").needs::<Address>("address");
    builder
        .method::<Vec<Value>>("chain.view")
        .needs::<String>("function")
        .takes::<Vec<String>>("type_args")
        .needs::<Vec<Value>>("args");
    builder.method::<LedgerBlock>("chain.block").needs::<Height>("height");
    builder
        .method::<Vec<LedgerBlockInFull>>("chain.blocks")
        .needs::<Height>("from")
        .takes::<u32>("limit");
    builder
        .method::<Vec<AccountView>>("chain.accounts")
        .takes::<Address>("after")
        .takes::<u32>("limit");
    builder
        .method::<Vec<ContractView>>("chain.contracts")
        .takes::<String>("after")
        .takes::<u32>("limit");
    builder
        .method::<Vec<PackageView>>("chain.packages")
        .takes::<Hash>("after")
        .takes::<u32>("limit");
    builder
        .method::<Vec<ChainEvent>>("chain.events")
        .needs::<u64>("from")
        .takes::<u32>("limit")
        .takes::<ChannelId>("channel");
    builder.subscription::<ChainEvent>("chain.subscribe_events").takes::<u64>("from");
}
