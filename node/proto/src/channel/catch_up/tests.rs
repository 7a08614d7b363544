use fairway_types::{
    Operation, Refusal, SequenceNumber,
    crypto::{Verified, Verify},
};

use super::{
    super::{
        bench::{self, Bench, account_key, node_key, store},
        execution::next_sequence,
        input::Input,
        output::Step,
    },
    *,
};

/// Four members, of whom the last was down while the others filled the state, and takes
/// snapshots once it is more than five blocks behind.
fn absent(calls: u32) -> Bench {
    let mut bench = Bench::new(4);
    bench.down.insert(3);
    for number in 0..calls {
        bench.call(0, 0, store(number));
    }
    bench.wait(200);
    set_most(&mut bench, 3, 5);
    bench
}

fn set_most(bench: &mut Bench, node: usize, most: u64) {
    Arc::make_mut(&mut bench.nodes[node].env).limits.sync_blocks_most = most;
}

fn adoptions(bench: &Bench, node: usize) -> usize {
    let adopted = |(of, event): &&(usize, Event)| *of == node && matches!(event, Event::Adopted(_));
    bench.events.iter().filter(adopted).count()
}

fn heartbeat(bench: &Bench, node: usize) -> Message {
    let log = bench.nodes[node].log();
    let tip = log.tip().expect("it has begun");
    Message::Heartbeat(Heartbeat {
        term: log.term(),
        head: tip.height,
        head_hash: tip.hash,
        certified: log.certified(),
        finalised: log.finalised(),
        wish: log.term(),
        leader_latency: 0,
        hops: 0,
    })
}

fn sent(step: &Step) -> Vec<(NodeId, Message)> {
    let sent = |effect: &Effect| match effect {
        Effect::Send { to, message } => Some((*to, message.clone())),
        _ => None,
    };
    step.effects.iter().filter_map(sent).collect()
}

/// What node 3 asks for parts, of whom.
fn requests(step: &Step) -> Vec<(usize, Prefix)> {
    let request = |(to, message): (NodeId, Message)| match message {
        Message::PartRequest { prefix, .. } => {
            (0..8).find(|node| node_key(*node).node_id() == to).map(|node| (node, prefix))
        }
        _ => None,
    };
    sent(step).into_iter().filter_map(request).collect()
}

fn checkpoint(bench: &Bench) -> Checkpoint {
    bench.nodes[0].log().checkpoint().expect("something is final").0
}

/// Node 3 has heard of the others and asked node 0 for a checkpoint; what follows from this one.
fn offered(bench: &mut Bench, offer: Checkpoint) -> Step {
    for node in [1, 2, 0] {
        let message = heartbeat(bench, node);
        bench.message(3, node, message);
    }
    bench.message(3, 0, Message::Checkpoint(Box::new(offer)))
}

fn part(bench: &Bench, prefix: Prefix) -> Part {
    let (_, state) = bench.nodes[0].log().checkpoint().expect("something is final");
    fairway_state::parts::Listing::of(&state).part(prefix).expect("a sound prefix")
}

fn send_part(bench: &mut Bench, from: usize, prefix: Prefix, part: Option<Part>) -> Step {
    let root = checkpoint(bench).root();
    bench.message(3, from, Message::StatePart { root, prefix, part })
}

/// Answers every request as an honest peer does, but those to `silent`; who was asked.
fn answer_all(bench: &mut Bench, first: &Step, silent: &[usize]) -> Vec<usize> {
    let mut queue = requests(first);
    let mut asked = Vec::new();
    while let Some((node, prefix)) = queue.pop() {
        asked.push(node);
        if !silent.contains(&node) {
            let part = part(bench, prefix);
            let step = send_part(bench, node, prefix, Some(part));
            bench.kept.extend(step.effects.iter().filter_map(|effect| match effect {
                Effect::KeepPart { entries, .. } => Some(entries.clone()),
                _ => None,
            }));
            bench.events.extend(step.events.iter().map(|event| (3, event.clone())));
            queue.extend(requests(&step));
        }
    }
    asked
}

/// A peer that is not the one asked first.
fn another(step: &Step) -> usize {
    if requests(step)[0].0 == 1 { 2 } else { 1 }
}

fn assert_same(bench: &Bench, one: usize, other: usize) {
    let (one, other) = (bench.nodes[one].log().digest(), bench.nodes[other].log().digest());
    assert_eq!((one.head, one.head_hash), (other.head, other.head_hash));
    assert_eq!((one.state_root, one.members), (other.state_root, other.members));
    assert_eq!((one.term, one.settled), (other.term, other.settled));
}

#[test]
fn member_far_behind_takes_a_snapshot_and_goes_on() {
    let mut bench = absent(30);
    bench.down.remove(&3);
    bench.wait(2_000);
    assert_eq!(adoptions(&bench, 3), 1);
    assert_same(&bench, 3, 0);
    bench.call(3, 3, store(99));
    bench.wait(200);
    assert_same(&bench, 3, 0);
    let acked = bench.nodes[3].log().acked().map(|ack| ack.ack.height);
    assert_eq!(acked, Some(bench.nodes[0].log().head()), "it acks what follows");
}

#[test]
fn member_a_little_behind_takes_blocks() {
    let mut bench = absent(30);
    set_most(&mut bench, 3, 100);
    bench.down.remove(&3);
    bench.wait(2_000);
    assert_eq!(adoptions(&bench, 3), 0);
    assert_same(&bench, 3, 0);
}

/// P-86
#[test]
fn member_whose_next_block_nobody_keeps_takes_a_snapshot() {
    let mut bench = absent(30);
    set_most(&mut bench, 3, u64::MAX);
    bench.pruned = Height(20);
    bench.down.remove(&3);
    bench.wait(2_000);
    assert_eq!(adoptions(&bench, 3), 1);
    assert_same(&bench, 3, 0);
}

/// P-120: the record keeps the grants since the last settlement but one.
#[test]
fn member_that_missed_a_grant_which_the_record_names_no_more_takes_a_snapshot() {
    let mut bench = Bench::new(4);
    set_most(&mut bench, 3, u64::MAX);
    bench.down.insert(3);
    for epoch in 0..3 {
        bench.grant(0, &[0, 1, 2]);
        bench.wait(500);
        bench.call(0, 0, store(epoch));
        bench.wait(500);
    }
    bench.record.grants.drain(..3);
    bench.down.remove(&3);
    bench.observe();
    bench.wait(3_000);
    assert_eq!(adoptions(&bench, 3), 1);
    assert_same(&bench, 3, 0);
    bench.down.insert(3);
    bench.call(0, 0, store(9));
    bench.wait(200);
    bench.down.remove(&3);
    bench.wait(2_000);
    assert_eq!(adoptions(&bench, 3), 1, "now blocks tell it everything");
    assert_same(&bench, 3, 0);
}

#[test]
fn late_joiner_takes_a_snapshot_and_its_join_comes_after() {
    let mut bench = Bench::with_record(4, bench::record(3));
    bench.down.insert(3);
    for number in 0..20 {
        bench.call(0, 0, store(number));
    }
    bench.wait(200);
    bench.down.remove(&3);
    set_most(&mut bench, 3, 5);
    bench.record.members.push(bench::chain_member(3));
    bench.observe();
    bench.wait(3_000);
    assert_eq!(adoptions(&bench, 3), 1);
    bench.grant(0, &[0, 1, 2, 3]);
    bench.wait(3_000);
    assert_same(&bench, 3, 0);
    let me = bench.nodes[3].node();
    assert!(bench.nodes[3].log().tip().is_some_and(|tip| tip.members.contains_key(&me)));
    bench.call(3, 3, store(50));
    bench.wait(500);
    assert_same(&bench, 3, 0);
    assert_eq!(bench.nodes[3].log().certified(), bench.nodes[3].log().head());
}

/// The set changes just before the last final block: the checkpoint is of a later one.
#[test]
fn joiner_after_another_join_and_a_leave_takes_a_snapshot() {
    let mut bench = Bench::with_record(5, bench::record(4));
    bench.down.insert(4);
    for number in 0..20 {
        bench.call(0, 0, store(number));
    }
    bench.call(2, 2, Operation::Leave);
    bench.wait(500);
    bench.down.remove(&4);
    set_most(&mut bench, 4, 5);
    bench.record.members.push(bench::chain_member(4));
    bench.observe();
    bench.grant(0, &[0, 1, 3, 4]);
    for number in 20..30 {
        bench.call(0, 0, store(number));
        bench.wait(200);
    }
    bench.wait(3_000);
    assert_eq!(adoptions(&bench, 4), 1);
    assert_same(&bench, 4, 0);
    let leavers = |node: usize| bench.nodes[node].log().tip().expect("a tip").leavers;
    assert_eq!(leavers(4), leavers(0));
    assert_eq!(leavers(4).len(), 1);
}

/// P-138: nobody calls, so no block comes after the one that the last joiner entered by; and what was
/// settled is kept no more.
#[test]
fn joiners_of_an_idle_channel_come_in_by_snapshots() {
    let mut bench = Bench::with_record(4, bench::record(1));
    (1..4).for_each(|joiner| {
        bench.down.insert(joiner);
    });
    bench.call(0, 0, store(0));
    bench.wait(3_000);
    for joiner in 1..4 {
        bench.down.remove(&joiner);
        bench.pruned = bench.nodes[0].log().finalised();
        bench.record.members.push(bench::chain_member(joiner));
        bench.observe();
        bench.wait(1_000);
        bench.grant(0, &(0..=joiner).collect::<Vec<_>>());
        bench.wait(5_000);
        assert_same(&bench, joiner, 0);
        assert!(adoptions(&bench, joiner) > 0);
    }
}

/// P-138: whatever a member asks for, and however often, an idle channel comes to rest.
#[test]
fn requests_for_checkpoints_lead_an_idle_channel_on_by_a_few_blocks_alone() {
    let mut bench = Bench::with_record(4, bench::record(3));
    bench.down.insert(3);
    bench.call(0, 0, store(0));
    bench.record.members.push(bench::chain_member(3));
    bench.observe();
    bench.grant(0, &[0, 1, 2, 3]);
    bench.wait(2_000);
    let entered = bench.nodes[0].log().last_set_change();
    assert!(checkpoint(&bench).height() < entered, "none can be made of the new set");
    let mut heads = Vec::new();
    for _ in 0..20 {
        let above = checkpoint(&bench).height();
        let from = node_key(3).node_id();
        let message = Box::new(Verified::trusted(Message::CheckpointRequest { above }));
        bench.run(0, Input::Peer { from, message });
        bench.wait(OFFER_EVERY);
        heads.push(bench.nodes[0].log().head());
    }
    assert!(checkpoint(&bench).height() >= entered);
    assert!(heads[0] <= Height(entered.0 + u64::from(BLOCKS_FOR_ONE)), "{heads:?}");
    assert!(heads[1..].windows(2).all(|pair| pair[0] == pair[1]), "{heads:?}");
}

/// P-83
#[test]
fn a_peer_that_sends_a_part_of_another_state_is_dropped_and_others_are_asked() {
    let mut bench = absent(30);
    let offer = checkpoint(&bench);
    let step = offered(&mut bench, offer.clone());
    let [(first, prefix)] = requests(&step)[..] else { panic!("not the root alone") };
    let split = part(&bench, prefix);
    let step = send_part(&mut bench, first, prefix, Some(split));
    let asked = requests(&step);
    let (liar, prefix) = asked[0];
    let Part::Entries(mut entries) = part(&bench, prefix) else { panic!("split again") };
    entries[0].1 = Arc::from([1].as_slice());
    let step = send_part(&mut bench, liar, prefix, Some(Part::Entries(entries)));
    assert!(requests(&step).iter().all(|(node, _)| *node != liar), "{step:?}");
    assert!(requests(&step).iter().any(|(_, again)| *again == prefix), "asked of another");
    let status = bench.nodes[3].status().catching_up.expect("under way");
    assert_eq!(status.refused, [node_key(liar).node_id()]);
    let rest: Vec<_> = asked.into_iter().filter(|(node, _)| *node != liar).collect();
    let mut queue = [rest, requests(&step)].concat();
    while let Some((node, prefix)) = queue.pop() {
        assert_ne!(node, liar);
        let part = part(&bench, prefix);
        queue.extend(requests(&send_part(&mut bench, node, prefix, Some(part))));
    }
    assert_adopted(&bench, &offer);
}

#[test]
fn parts_are_asked_of_every_peer_and_of_others_when_one_vanishes() {
    let mut bench = absent(60);
    let offer = checkpoint(&bench);
    let step = offered(&mut bench, offer.clone());
    let silent = another(&step);
    let asked = answer_all(&mut bench, &step, &[silent]);
    assert!([0, 1, 2].iter().all(|node| asked.contains(node)), "{asked:?}");
    assert!(target(&bench).is_some(), "one peer never answered");
    bench.now = bench.now.plus(PART_PATIENCE);
    let step = bench.input(3, super::super::input::Input::Timeout);
    let again = answer_all(&mut bench, &step, &[silent]);
    assert!(!again.is_empty() && !again.contains(&silent), "{again:?}");
    assert_eq!(adoptions(&bench, 3), 1);
    assert_adopted(&bench, &offer);
}

#[test]
fn a_peer_without_the_state_says_so_and_others_are_asked() {
    let mut bench = absent(30);
    let offer = checkpoint(&bench);
    let step = offered(&mut bench, offer);
    let [(first, prefix)] = requests(&step)[..] else { panic!("not the root alone") };
    let step = send_part(&mut bench, first, prefix, None);
    let [(second, again)] = requests(&step)[..] else { panic!("nobody else was asked") };
    assert_eq!(again, prefix);
    assert_ne!(second, first);
}

/// The state is gone everywhere before all of it is here: what came is not asked for again.
#[test]
fn a_newer_checkpoint_takes_over_what_came_for_an_older_one() {
    let mut bench = absent(60);
    let offer = checkpoint(&bench);
    let step = offered(&mut bench, offer);
    let silent = another(&step);
    let parts = answer_all(&mut bench, &step, &[silent]).len();
    let before = bench.nodes[3].status().catching_up.expect("under way");
    assert!(before.parts > 2, "{before:?}");
    bench.call(0, 0, store(100));
    bench.wait(STALE);
    for node in [0, 1, 2] {
        let message = heartbeat(&bench, node);
        bench.message(3, node, message);
    }
    let newer = checkpoint(&bench);
    let step = bench.message(3, 0, Message::Checkpoint(Box::new(newer.clone())));
    assert_eq!(target(&bench), Some(newer.height()));
    let again = answer_all(&mut bench, &step, &[]).len();
    assert!(again < parts, "{again} of {parts}");
    assert_adopted(&bench, &newer);
}

/// P-88
#[test]
fn what_came_before_a_restart_is_not_asked_for_again() {
    let mut bench = absent(60);
    let offer = checkpoint(&bench);
    let step = offered(&mut bench, offer.clone());
    let silent = another(&step);
    let parts = answer_all(&mut bench, &step, &[silent]).len();
    let kept: Vec<_> = bench.kept.iter().flatten().cloned().collect();
    assert!(bench.kept.len() > 2, "{parts} parts came");
    let head = bench.nodes[3].log().head();
    bench.restart(3);
    assert_eq!((bench.nodes[3].log().head(), target(&bench)), (head, None));
    set_most(&mut bench, 3, 5);
    bench.nodes[3].keep_parts(kept);
    bench.now = bench.now.plus(SYNC_PATIENCE);
    let step = offered(&mut bench, offer.clone());
    let again = answer_all(&mut bench, &step, &[]).len();
    assert!(again < parts - bench.kept.len() / 2, "{again} of {parts}");
    assert_adopted(&bench, &offer);
}

/// It has caught up by blocks: what it kept is of no use.
#[test]
fn kept_parts_are_forgotten_when_no_snapshot_is_taken() {
    let mut bench = absent(30);
    set_most(&mut bench, 3, 100);
    bench.nodes[3].keep_parts([(StateKey::Locked, Arc::from([1].as_slice()))]);
    let message = heartbeat(&bench, 0);
    let step = bench.message(3, 0, message);
    assert!(step.effects.iter().any(|effect| matches!(effect, Effect::ForgetParts)));
}

fn assert_adopted(bench: &Bench, offer: &Checkpoint) {
    let log = bench.nodes[3].log();
    let tip = log.tip().expect("it has begun");
    assert_eq!((tip.height, tip.hash), (offer.height(), offer.block.hash()));
    assert_eq!(tip.state.root(), offer.root());
    assert_eq!((log.certified(), log.finalised()), (offer.height(), offer.height()));
}

fn target(bench: &Bench) -> Option<Height> {
    bench.nodes[3].status().catching_up.map(|target| target.height)
}

/// P-81, P-82
#[test]
fn a_checkpoint_that_does_not_hold_is_not_taken() {
    let forge = |change: fn(&mut Checkpoint, &Bench)| {
        let mut bench = absent(30);
        let mut offer = checkpoint(&bench);
        change(&mut offer, &bench);
        offered(&mut bench, offer);
        target(&bench)
    };
    assert!(forge(|_, _| {}).is_some());
    assert_eq!(
        forge(|offer, bench| {
            let top = bench.nodes[0].log().block(offer.top().ack.height).expect("in memory");
            offer.finality = Some(bench::certificate(top, &[0, 1]));
        }),
        None,
        "too few acked"
    );
    assert_eq!(
        forge(|offer, bench| {
            let top = bench.nodes[0].log().block(offer.top().ack.height).expect("in memory");
            offer.finality = Some(bench::certificate(top, &[0, 50, 51, 52]));
        }),
        None,
        "strangers acked"
    );
    assert_eq!(forge(|offer, _| offer.finality = None), None);
    assert_eq!(
        forge(|offer, _| {
            offer.before.pop();
        }),
        None
    );
    assert_eq!(
        forge(|offer, _| {
            offer.before.remove(0);
        }),
        None
    );
    assert_eq!(
        forge(|offer, _| {
            offer.after.pop();
        }),
        None
    );
    assert_eq!(forge(|offer, _| offer.registered = Some(Height(1))), None);
    assert_eq!(
        forge(|offer, _| {
            let mut block = (*offer.block).clone();
            block.header.state_root = Hash::ZERO;
            offer.block = Arc::new(block);
        }),
        None
    );
    assert_eq!(
        forge(|offer, bench| {
            offer.certificate = bench::certificate(
                bench.nodes[0].log().block(Height(3)).expect("kept"),
                &[0, 1, 2],
            );
        }),
        None
    );
}

/// P-81: the block's certificate itself need not be vouched for: it is judged by the state.
#[test]
fn a_state_whose_members_did_not_certify_the_checkpoint_is_not_adopted() {
    let mut bench = absent(30);
    let mut offer = checkpoint(&bench);
    offer.certificate = bench::certificate(&offer.block, &[0, 1]);
    let step = offered(&mut bench, offer);
    answer_all(&mut bench, &step, &[]);
    assert_eq!(adoptions(&bench, 3), 0);
    assert_eq!(bench.nodes[3].log().head(), Height::ZERO);
}

#[test]
fn a_checkpoint_with_too_many_links_is_refused() {
    let bench = absent(30);
    let mut offer = checkpoint(&bench);
    assert_eq!(offer.check(), Ok(()));
    let link = offer.before[0].clone();
    offer.before = vec![link; fairway_types::limits::CHECKPOINT_LINKS + 1];
    assert_eq!(offer.check().unwrap_err().name(), "too_large");
}

#[test]
fn a_checkpoint_that_nobody_asked_for_or_below_the_head_is_not_taken() {
    let mut bench = absent(30);
    let offer = checkpoint(&bench);
    bench.message(3, 0, Message::Checkpoint(Box::new(offer.clone())));
    assert_eq!(target(&bench), None);
    let mut bench = absent(30);
    set_most(&mut bench, 3, 100);
    bench.down.remove(&3);
    bench.wait(2_000);
    bench.nodes[3].catch_up.asked.insert(node_key(0).node_id(), bench.now);
    bench.message(3, 0, Message::Checkpoint(Box::new(offer)));
    assert_eq!(target(&bench), None);
}

/// P-81: whoever signed, the chain has settled it.
#[test]
fn a_checkpoint_that_the_chain_has_settled_needs_no_voucher() {
    let mut bench = Bench::with_record(4, bench::record(3));
    bench.part(&[3]);
    for number in 0..20 {
        bench.call(0, 0, store(number));
    }
    bench.wait(200);
    set_most(&mut bench, 3, 5);
    let offer = checkpoint(&bench);
    // Nobody who signed is known to the chain any more.
    bench.record.members = vec![bench::chain_member(3), bench::chain_member(5)];
    bench.observe();
    let ask = |bench: &mut Bench| {
        bench.nodes[3].catch_up.asked.insert(node_key(0).node_id(), bench.now);
        bench.message(3, 0, Message::Checkpoint(Box::new(offer.clone())));
        target(bench)
    };
    assert_eq!(ask(&mut bench), None);
    let settlement = &mut bench.record.settlement;
    settlement.number = 1;
    settlement.height = offer.height();
    settlement.block = offer.block.hash();
    settlement.root = offer.root();
    bench.observe();
    assert_eq!(ask(&mut bench), Some(offer.height()));
}

/// P-85
#[test]
fn adoption_forgets_nothing_that_was_signed_and_replays() {
    let mut bench = Bench::new(4);
    bench.note(0);
    let acked = bench.nodes[3].log().acked().copied();
    assert!(acked.is_some());
    bench.down.insert(3);
    for number in 0..20 {
        bench.call(0, 0, store(number));
    }
    bench.wait(200);
    set_most(&mut bench, 3, 5);
    let promised = Promised::of(&bench);
    let offer = checkpoint(&bench);
    let step = offered(&mut bench, offer);
    answer_all(&mut bench, &step, &[]);
    assert_eq!(adoptions(&bench, 3), 1);
    let log = bench.nodes[3].log();
    assert_eq!(log.acked().copied(), acked);
    assert_eq!(Promised::of(&bench), promised);
    let back = super::super::log::Log::restore(log.snapshot());
    assert_eq!(back.digest(), log.digest());
    let mut replayed = super::super::log::Log::default();
    for (_, event) in bench.events.iter().filter(|(node, _)| *node == 3) {
        let bytes = fairway_types::codec::encode(event);
        replayed.apply(&fairway_types::codec::decode("event", &bytes).expect("an event"));
    }
    assert_eq!(replayed.digest().state_root, log.digest().state_root);
    assert_eq!(replayed.digest().head_hash, log.digest().head_hash);
}

#[derive(Debug, PartialEq)]
struct Promised(Option<fairway_types::Promise>, usize);

impl Promised {
    fn of(bench: &Bench) -> Self {
        let durable = bench.nodes[3].log().durable();
        Self(durable.promise, durable.votes.len())
    }
}

/// P-84
#[test]
fn checkpoints_are_handed_to_members_alone_and_not_too_often() {
    let mut bench = absent(30);
    let request = || Message::CheckpointRequest { above: Height::ZERO };
    let answers = |bench: &mut Bench, from: usize| {
        let answers = sent(&bench.message(0, from, request()));
        answers.iter().filter(|(_, m)| matches!(m, Message::Checkpoint(_))).count()
    };
    assert_eq!(answers(&mut bench, 7), 0, "a stranger");
    assert_eq!(answers(&mut bench, 3), 1);
    assert_eq!(answers(&mut bench, 3), 0, "too soon");
    bench.now = bench.now.plus(OFFER_EVERY);
    assert_eq!(answers(&mut bench, 3), 1);
    let above = Message::CheckpointRequest { above: Height(1_000) };
    bench.now = bench.now.plus(OFFER_EVERY);
    let step = bench.message(0, 3, above);
    assert!(!sent(&step).iter().any(|(_, m)| matches!(m, Message::Checkpoint(_))));
}

#[test]
fn clients_hear_that_a_result_was_passed_over() {
    let mut bench = Bench::new(4);
    bench.down.insert(3);
    let call = bench::sign(0, SequenceNumber(0), store(0), bench.now.plus(60_000));
    bench.request(0, call.clone());
    for number in 1..20 {
        bench.call(0, 0, store(number));
    }
    bench.wait(200);
    bench.down.remove(&3);
    bench.part(&[3]);
    let asked = bench.request(3, call);
    set_most(&mut bench, 3, 5);
    bench.cut.clear();
    bench.wait(2_000);
    assert_eq!(adoptions(&bench, 3), 1);
    let told = |(_, effect): &&(usize, Effect)| match effect {
        Effect::Reply { id, result: Err(Refusal::NotReady { .. }) } => *id == asked,
        _ => false,
    };
    assert_eq!(bench.effects.iter().filter(told).count(), 1);
}

/// The first of three went on alone, valid alone, while the two others made so many blocks final.
fn apart(blocks: u32) -> Bench {
    let mut bench = Bench::new(3);
    bench.note(0);
    bench.down = [0].into();
    bench.wait(2_500);
    for number in 0..blocks {
        bench.call(1, 1, store(number));
    }
    bench.wait(200);
    bench.down = [1, 2].into();
    bench.grant(0, &[0]);
    for number in 0..3 {
        bench.call(0, 0, store(number));
    }
    bench.down.clear();
    bench.observe();
    bench.grant(1, &[0, 1, 2]);
    bench.wait(8_000);
    bench
}

/// P-35, P-80: the opening that supersedes its blocks lies further up than what may wait here.
#[test]
fn node_that_went_on_alone_comes_back_over_a_branch_of_any_length() {
    for blocks in [20, 100, 300] {
        let bench = apart(blocks);
        let (alone, other) = (bench.nodes[0].log(), bench.nodes[1].log());
        assert!(other.head() > Height(u64::from(blocks)), "{blocks}");
        assert_eq!(alone.tip().unwrap().hash, other.tip().unwrap().hash, "{blocks}");
        assert_eq!(alone.finalised(), other.finalised());
        let state = &other.tip().unwrap().state;
        let next = next_sequence(state, account_key(0).address());
        assert_eq!(next, SequenceNumber(4), "its calls were ordered again: {blocks}");
    }
}
