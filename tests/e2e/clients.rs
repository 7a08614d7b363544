//! Clients that `fairway client generate` wrote, on real nodes.

use fairway_examples::{
    arena::arena::{ArenaAbort, ArenaCalls, ArenaViews, Player},
    payments::payments::{PaymentsAbort, PaymentsCalls, PaymentsEvent, PaymentsViews},
    shapes::shapes::{All, Kept, Marked, Pair, ShapesAbort, ShapesCalls, ShapesViews},
    tic_tac_toe::{
        tic_tac_toe::{Game, TicTacToeAbort, TicTacToeCalls, TicTacToeEvent, TicTacToeViews},
        vault::{VaultAbort, VaultViews},
    },
};
use fairway_sdk::{Address, At, CallStatus};
use fairway_types::contract::NATIVE;

use crate::world::{DEPOSIT, World};

fn native() -> Address {
    Address(NATIVE.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_client_pays_and_reads_what_happened() {
    let world = World::start(2).await;
    let id = world.open("payments").await;
    let (from, to) = (world.keys[0].address(), world.keys[1].address());
    let calls = PaymentsCalls::new(world.member(0, id).await);
    let report = calls.until(CallStatus::Final).pay(to, native(), 25, "for coffee").await.unwrap();
    assert!(report.status >= CallStatus::Final);
    let Some(PaymentsEvent::Paid(paid)) = PaymentsEvent::of(&report.events[0]).unwrap() else {
        panic!("no payment in {:?}", report.events);
    };
    assert_eq!((paid.from, paid.to, paid.asset, paid.amount), (from, to, native(), 25));
    assert_eq!(paid.memo, "for coffee");
    let channel = world.channel(0, id).await;
    assert_eq!(channel.abi().package.to_string(), fairway_examples::payments::PACKAGE);
    let views = PaymentsViews::new(channel);
    assert_eq!(views.balance(to, native()).await.unwrap(), DEPOSIT + 25);
    assert_eq!(views.at(At::Final).sent(from).await.unwrap(), 1);
    let refused = calls.pay(to, native(), 0, "").await.unwrap_err();
    assert_eq!(PaymentsAbort::of(&refused), Some(PaymentsAbort::ZeroAmount));
    assert_eq!(VaultAbort::of(&refused), None);
    assert_eq!(PaymentsAbort::ZeroAmount.name(), "E_ZERO_AMOUNT");
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_client_plays_a_game_for_stakes() {
    let world = World::start(2).await;
    let id = world.open("tic_tac_toe").await;
    let (x, o) = (world.keys[0].address(), world.keys[1].address());
    let players = [
        TicTacToeCalls::new(world.member(0, id).await),
        TicTacToeCalls::new(world.member(1, id).await),
    ];
    players[0].open(native(), 100).await.unwrap();
    players[1].join(x).await.unwrap();
    let early = players[1].mark(x, 0).await.unwrap_err();
    assert_eq!(TicTacToeAbort::of(&early), Some(TicTacToeAbort::NotYourTurn));
    let poor = players[1].open(native(), DEPOSIT).await.unwrap_err();
    assert_eq!(VaultAbort::of(&poor), Some(VaultAbort::Insufficient));
    let channel = world.channel(0, id).await;
    for (turn, cell) in [0, 3, 1, 4].into_iter().enumerate() {
        players[turn % 2].mark(x, cell).await.unwrap();
    }
    world.same_log(id).await;
    let game: Game = channel.read(x, At::Head).await.unwrap().unwrap();
    assert_eq!((game.o, game.joined, game.pot.amount), (o, true, 200));
    assert_eq!(game.board, [1, 1, 0, 2, 2, 0, 0, 0, 0]);
    let views = TicTacToeViews::new(channel.clone());
    assert_eq!(views.board(x).await.unwrap(), game.board);
    let last = players[0].mark(x, 2).await.unwrap();
    let events = last.events.iter().map(|event| TicTacToeEvent::of(event).unwrap());
    let over = events.flatten().find_map(|event| match event {
        TicTacToeEvent::GameOver(over) => Some(over),
        _ => None,
    });
    assert_eq!(over.unwrap().winner, [x]);
    assert_eq!(channel.read::<Game>(x, At::Head).await.unwrap(), None);
    let vault = VaultViews::new(channel);
    assert_eq!(vault.balance(x, native()).await.unwrap(), DEPOSIT + 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_client_reads_pairs_and_resources() {
    let world = World::start(1).await;
    let id = world.open("arena").await;
    let me = world.keys[0].address();
    let channel = world.channel(0, id).await;
    let calls = ArenaCalls::new(world.member(0, id).await);
    calls.turn(2, 0).await.unwrap();
    let views = ArenaViews::new(channel.clone());
    let player: Player = channel.read(me, At::Head).await.unwrap().unwrap();
    assert_eq!(views.position(me).await.unwrap(), (player.x, player.y));
    assert_eq!((player.step_x, player.step_y), (2, 0));
    let refused = calls.turn(3, 0).await.unwrap_err();
    assert_eq!(ArenaAbort::of(&refused), Some(ArenaAbort::BadStep));
    let nobody = views.position(Address::from_low(9)).await.unwrap_err();
    assert_eq!(ArenaAbort::of(&nobody), Some(ArenaAbort::NoPlayer));
}

/// Types that its caller chooses, words of the language, and a value of each type.
#[tokio::test(flavor = "multi_thread")]
async fn generated_client_of_every_shape_calls_and_reads() {
    let world = World::start(1).await;
    let id = world.open("../../sdk/codegen/shapes").await;
    let me = world.keys[0].address();
    let calls = ShapesCalls::new(world.member(0, id).await);
    calls.mark::<u64>().await.unwrap();
    calls.mark::<u64>().await.unwrap();
    calls.mark::<Vec<bool>>().await.unwrap();
    let channel = world.channel(0, id).await;
    let views = ShapesViews::new(channel.clone());
    assert_eq!(views.times::<u64>(me).await.unwrap(), 2);
    assert_eq!(views.times::<Vec<bool>>(me).await.unwrap(), 1);
    assert_eq!(views.times::<u8>(me).await.unwrap(), 0);
    assert_eq!(views.kept::<u64>(me).await.unwrap(), (Vec::new(), 7));
    let missing = views.kept::<u8>(me).await.unwrap_err();
    assert_eq!(ShapesAbort::of(&missing), Some(ShapesAbort::NothingKept));
    assert_eq!(views.twice(5_u128).await.unwrap(), Pair { left: 5, right: 5 });
    let kept: Kept<Vec<u64>> = channel.read(me, At::Head).await.unwrap().unwrap();
    assert_eq!(kept, Kept { what: Vec::new(), r#type: 7 });
    let marked: Marked<u64> = channel.read(me, At::Head).await.unwrap().unwrap();
    assert_eq!(marked.times, 2);
    assert_eq!(channel.read::<Marked<u8>>(me, At::Head).await.unwrap(), None);

    let lists = [vec![1, u64::MAX], Vec::new()];
    calls
        .keep_all(255, u64::MAX, u128::MAX, true, me, "a word", &[0, 255], &lists, Some(3))
        .await
        .unwrap();
    let all = All {
        small: 255,
        long: u64::MAX,
        longer: u128::MAX,
        yes: true,
        who: me,
        text: "a word".into(),
        bytes: vec![0, 255],
        lists: lists.into(),
        maybe: Some(3),
        pairs: vec![Pair { left: u64::MAX, right: 3 }],
    };
    assert_eq!(views.all(me).await.unwrap(), all);
    assert_eq!(channel.read::<All>(me, At::Head).await.unwrap(), Some(all));
    let refused = calls.new_(1).await.unwrap_err();
    assert_eq!(ShapesAbort::of(&refused), Some(ShapesAbort::Type));
}
