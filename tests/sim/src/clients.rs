//! What clients ask for: mostly payments, some of them wrong; leaves; settlements.

use fairway_proto::{CallStatus, Input, Request, RequestId, channel::execution::next_sequence};
use fairway_types::{
    Call, Gas, Operation, SequenceNumber, Signature, SignedCall, Verified, call::Counter, codec,
};
use rand::Rng;

use crate::{
    chain::{Act, CHAIN},
    invariants::Broken,
    machine::function,
    world::{Item, World},
};

/// Members that a channel with a Byzantine one keeps at least.
const LEAST: usize = 4;

impl World {
    /// A client calls.
    pub(crate) fn call(&mut self) -> Result<(), Broken> {
        let delay = self.rng.random_range(1..200);
        self.after(delay, Item::Call);
        let sender = self.rng.random_range(0..self.nodes.len());
        let via = self.rng.random_range(0..self.nodes.len());
        if self.rng.random_bool(0.02) {
            self.next_request += 1;
            let id = RequestId(self.next_request);
            return self.input(via, Input::Client { id, request: Request::ProposeSettlement });
        }
        if self.plan.sessions && self.rng.random_bool(0.3) {
            return self.use_session(sender, via);
        }
        let sequence = self.next_sequence(sender) + u64::from(self.rng.random_bool(0.05));
        let operation = self.operation(sender);
        self.request(sender, via, sequence, operation)
    }

    fn operation(&mut self, sender: usize) -> Operation {
        let receiver = self.rng.random_range(0..self.nodes.len());
        let to = self.nodes[receiver].account.address();
        let amount = self.rng.random_range(0..300_000u64);
        match self.rng.random_range(0..200) {
            0..180 => invoke("pay", vec![codec::encode(&to), codec::encode(&amount)]),
            180..190 => invoke("abort", Vec::new()),
            190..194 => invoke("pay", vec![vec![1, 2, 3]]),
            194 | 195 if self.may_leave(sender) => self.leave(Operation::Leave),
            196 | 197 if self.may_leave(sender) => self.leave(invoke("leave", Vec::new())),
            198 if self.plan.late_joins && self.may_leave(sender) => {
                self.count("leave asked of the chain");
                let account = self.nodes[sender].account.clone();
                let _ = self.chain.act(self.now, &account, &Act::Leave);
                self.show_chain(50);
                self.leave(invoke("nothing", Vec::new()))
            }
            _ => invoke("nothing", Vec::new()),
        }
    }

    fn leave(&mut self, operation: Operation) -> Operation {
        self.leaves += 1;
        operation
    }

    /// Members leave in the second half of a run, and where one is Byzantine so few that less than
    /// a third of those who stay are.
    fn may_leave(&self, sender: usize) -> bool {
        let late = self.report.steps > self.plan.steps / 2;
        let enough = !self.plan.byzantine || {
            let least = self.honest().map(|node| node.registered()).min().unwrap_or(0);
            least + usize::from(self.leaves) >= self.nodes.len()
                && usize::from(self.leaves) + LEAST < self.nodes.len()
        };
        (sender > 0 || self.plan.leader_leaves) && late && enough
    }

    /// Has `sender` ask for an operation through the node `via`.
    pub fn submit(
        &mut self,
        sender: usize,
        via: usize,
        operation: Operation,
    ) -> Result<(), Broken> {
        let sequence = self.next_sequence(sender);
        self.request(sender, via, sequence, operation)
    }

    fn request(
        &mut self,
        sender: usize,
        via: usize,
        sequence: u64,
        operation: Operation,
    ) -> Result<(), Broken> {
        let call = self.sign(sender, sequence, operation);
        self.ask(sender, via, call)
    }

    /// A client hands a signed call of `sender` to the node `via`.
    pub(crate) fn ask(
        &mut self,
        sender: usize,
        via: usize,
        mut call: SignedCall,
    ) -> Result<(), Broken> {
        let forged = self.may_forge(sender, via) && self.rng.random_bool(0.3);
        if forged {
            call.signature = Signature::ZERO;
        }
        self.next_request += 1;
        let id = RequestId(self.next_request);
        let wait = if self.next_request.is_multiple_of(4) {
            CallStatus::Final
        } else {
            CallStatus::Certified
        };
        let request = Request::Call { call: Box::new(Verified::trusted(call)), wait };
        // Some clients ask twice, and another node.
        if self.rng.random_bool(0.05) && !forged {
            let other = self.rng.random_range(0..self.nodes.len());
            self.next_request += 1;
            let again = RequestId(self.next_request);
            self.input(other, Input::Client { id: again, request: request.clone() })?;
        }
        self.input(via, Input::Client { id, request })
    }

    /// Whether the node is the Byzantine one, where its word could pass for another account's.
    fn may_forge(&self, sender: usize, via: usize) -> bool {
        let byzantine = self.byzantine.as_ref().is_some_and(|byzantine| byzantine.node == via);
        self.plan.trust_own_node && byzantine && sender != via
    }

    pub(crate) fn sign(&self, sender: usize, sequence: u64, operation: Operation) -> SignedCall {
        let account = &self.nodes[sender].account;
        let call = Call {
            chain: CHAIN,
            channel: self.chain.record().channel,
            sender: account.address(),
            sequence: SequenceNumber(sequence),
            operation,
            gas_limit: Gas(1_000_000),
            expires_at: self.now.plus(30_000),
        };
        SignedCall { signature: account.sign(&call), key: account.public(), call }
    }

    pub(crate) fn next_sequence(&self, sender: usize) -> u64 {
        self.next_number(self.nodes[sender].account.address())
    }

    /// The next number of an account or of one of its sessions.
    pub(crate) fn next_number(&self, counter: impl Into<Counter>) -> u64 {
        let counter = counter.into();
        self.honest()
            .filter_map(|node| node.channel.log().tip())
            .map(|tip| next_sequence(&tip.state, counter).0)
            .max()
            .unwrap_or(0)
    }
}

fn invoke(name: &str, args: Vec<Vec<u8>>) -> Operation {
    Operation::Invoke { function: function(name), type_args: Vec::new(), args }
}
