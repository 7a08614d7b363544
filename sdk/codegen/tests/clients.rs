//! Packages with names and types that a language could stumble over.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use fairway_codegen::{Language, NoClient, client};
use fairway_types::{
    Address, Hash,
    abi::{AbortAbi, FunctionAbi, ModuleAbi, PackageAbi, ParamAbi, StructAbi, TypeAbi},
};

const BOTH: [Language; 2] = [Language::Rust, Language::TypeScript];

fn ty(text: &str) -> TypeAbi {
    match text {
        "T0" => TypeAbi::TypeParam(0),
        "&signer" => TypeAbi::Reference(Box::new(TypeAbi::Signer)),
        _ => match text.strip_prefix("vector<T0") {
            Some(_) => TypeAbi::Vector(Box::new(TypeAbi::TypeParam(0))),
            None => text.parse().unwrap(),
        },
    }
}

fn params(list: &[(&str, &str)]) -> Vec<ParamAbi> {
    list.iter().map(|(name, text)| ParamAbi { name: (*name).into(), ty: ty(text) }).collect()
}

fn entry(name: &str, list: &[(&str, &str)]) -> FunctionAbi {
    FunctionAbi {
        name: name.into(),
        doc: format!("Does {name}."),
        entry: true,
        view: false,
        type_params: Vec::new(),
        params: params(&[&[("by", "&signer")], list].concat()),
        returns: Vec::new(),
    }
}

fn view(name: &str, list: &[(&str, &str)], returns: &[&str]) -> FunctionAbi {
    FunctionAbi {
        entry: false,
        view: true,
        params: params(list),
        returns: returns.iter().map(|text| ty(text)).collect(),
        ..entry(name, &[])
    }
}

fn structure(name: &str, abilities: &[&str], fields: &[(&str, &str)]) -> StructAbi {
    StructAbi {
        name: name.into(),
        doc: "A struct.".into(),
        abilities: abilities.iter().map(|ability| (*ability).into()).collect(),
        type_params: 0,
        fields: params(fields),
    }
}

fn abort(code: u64, name: &str) -> AbortAbi {
    AbortAbi { code, name: name.into(), doc: "No.".into() }
}

fn module(name: &str) -> ModuleAbi {
    ModuleAbi {
        address: Address::from_low(0x42),
        name: name.into(),
        doc: "A module.".into(),
        own: true,
        functions: vec![entry("act", &[("amount", "u64")])],
        structs: Vec::new(),
        aborts: Vec::new(),
    }
}

fn package(modules: Vec<ModuleAbi>) -> PackageAbi {
    PackageAbi { name: "app".into(), package: Hash([7; 32]), modules }
}

fn text(package: &PackageAbi, language: Language) -> String {
    client(package, language).unwrap()
}

#[test]
fn words_of_the_language_are_no_names_in_it() {
    let mut odd = module("match");
    odd.functions = vec![
        entry("new", &[("type", "u64"), ("self", "bool"), ("delete", "vector<u8>")]),
        entry("constructor", &[("values", "u64"), ("type_args", "0x1::string::String")]),
        view("at", &[("fn", "address")], &["bool", "u128"]),
    ];
    odd.structs = vec![
        structure("Promise", &["key"], &[("type", "u64"), ("await", "bool")]),
        structure("Option", &["copy", "drop", "store"], &[("some", "0x1::option::Option<u64>")]),
    ];
    let rust = text(&package(vec![odd.clone()]), Language::Rust);
    for expected in ["pub mod r#match", "fn new_(", "r#type: u64", "self_: bool", "fn at_("] {
        assert!(rust.contains(expected), "{expected} in {rust}");
    }
    let typescript = text(&package(vec![odd]), Language::TypeScript);
    for expected in ["constructor_(", "delete_: Uint8Array", "interface Promise_ "] {
        assert!(typescript.contains(expected), "{expected} in {typescript}");
    }
}

#[test]
fn the_same_abi_gives_the_same_text_with_its_hash() {
    for language in BOTH {
        let made = text(&package(vec![module("app")]), language);
        assert_eq!(made, text(&package(vec![module("app")]), language));
        assert!(made.contains(&Hash([7; 32]).to_string()));
        assert!(made.starts_with("// "), "{made}");
    }
}

#[test]
fn modules_of_one_name_at_two_addresses_have_names_apart() {
    let other = ModuleAbi { address: Address::from_low(0x43), ..module("app") };
    let both = package(vec![module("app"), other]);
    let rust = text(&both, Language::Rust);
    assert!(rust.contains("pub mod app_0x42") && rust.contains("pub mod app_0x43"), "{rust}");
    let typescript = text(&both, Language::TypeScript);
    assert!(typescript.contains("class App0x42Calls"), "{typescript}");
}

#[test]
fn structs_of_one_name_in_two_modules_have_names_apart_in_one_file() {
    let with = |name: &str| ModuleAbi {
        structs: vec![structure("Config", &["key"], &[("size", "u64")])],
        ..module(name)
    };
    let both = package(vec![with("board"), with("lobby")]);
    let typescript = text(&both, Language::TypeScript);
    assert!(typescript.contains("interface BoardConfig "), "{typescript}");
    assert!(typescript.contains("interface LobbyConfig "), "{typescript}");
}

#[test]
fn two_things_that_would_have_one_name_are_refused_by_name() {
    let mut fields = module("app");
    fields.structs = vec![structure("State", &["key"], &[("step_x", "u64"), ("stepX", "u64")])];
    let mut own = module("app");
    own.structs = vec![structure("AppCalls", &["key"], &[("x", "u64")])];
    let mut methods = module("app");
    methods.functions = vec![entry("do_it", &[]), entry("doIt", &[])];
    let mut aborts = module("app");
    aborts.aborts = vec![abort(1, "E_A_B"), abort(2, "E_A__B")];
    for (module, name) in [(fields, "stepX"), (own, "AppCalls"), (methods, "doIt")] {
        for language in BOTH {
            let refused = client(&package(vec![module.clone()]), language).unwrap_err();
            assert!(matches!(refused, NoClient::SameName { .. }), "{refused}");
            assert!(refused.to_string().contains(name), "{refused}");
        }
    }
    let refused = client(&package(vec![aborts]), Language::Rust).unwrap_err();
    assert!(refused.to_string().contains("E_A__B"), "{refused}");
}

#[test]
fn what_no_caller_can_give_is_left_out_and_named() {
    let mut app = module("app");
    app.structs = vec![structure("Item", &["store"], &[("size", "u64")])];
    app.functions.push(entry("put", &[("item", "0x42::app::Item")]));
    app.functions.push(view("first", &[], &["0x42::app::Item"]));
    for language in BOTH {
        let made = text(&package(vec![app.clone()]), language);
        assert!(made.contains("Not here: `put` takes 0x42::app::Item"), "{made}");
        assert!(!made.contains("0x42::app::put"), "{made}");
        assert!(made.contains("0x42::app::first"), "{made}");
    }
}

#[test]
fn generic_functions_take_types_that_callers_may_give() {
    let mut app = module("app");
    let mut generic = entry("store", &[("what", "T0"), ("more", "vector<T0>")]);
    generic.type_params = vec![vec!["copy".into()]];
    let mut held = structure("Held", &["key"], &[("what", "T0")]);
    held.type_params = 1;
    let mut marked = structure("Marked", &["key"], &[("size", "u64")]);
    marked.type_params = 1;
    app.functions = vec![generic, view("held", &[], &["0x42::app::Held<u64>"])];
    app.structs = vec![held, marked];
    let rust = text(&package(vec![app.clone()]), Language::Rust);
    for expected in
        ["store<T0: ::fairway_sdk::typed::TypeArgument>", "PhantomData<(T0,)>", "Held<u64>"]
    {
        assert!(rust.contains(expected), "{expected} in {rust}");
    }
    let typescript = text(&package(vec![app]), Language::TypeScript);
    assert!(typescript.contains("store<T0>("), "{typescript}");
    assert!(typescript.contains("Promise<Held<bigint>>"), "{typescript}");
}

#[test]
fn an_abi_that_no_compiler_made_gets_nothing_into_the_code() {
    let evil = "x(); process.exit(); //";
    let mut function = module("app");
    function.functions[0].name = evil.into();
    let mut documented = module("app");
    documented.functions[0].doc = "*/ process.exit(); /*\n\rfn main() {}".into();
    let mut unknown = module("app");
    unknown.functions.push(view("lost", &[], &["0x9::gone::Gone"]));
    for language in BOTH {
        let refused = client(&package(vec![function.clone()]), language).unwrap_err();
        assert!(matches!(refused, NoClient::NoName { .. }), "{refused}");
        let made = text(&package(vec![documented.clone()]), language);
        let code = made.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        let is_doc = |line: &&str| language == Language::TypeScript && line.starts_with('*');
        let code: Vec<&str> = code.filter(|line| !is_doc(line)).collect();
        assert!(code.iter().all(|line| !line.contains("exit") && !line.contains("main")), "{made}");
        assert!(language == Language::Rust || !made.contains("*/ process"), "{made}");
        let refused = client(&package(vec![unknown.clone()]), language).unwrap_err();
        assert!(refused.to_string().contains("0x9::gone::Gone"), "{refused}");
    }
}
