//! A client in Rust, over `fairway_sdk::typed`: one module for each Move module.

use fairway_types::abi::AbortAbi;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::{
    NoClient, names,
    names::Scope,
    plan::{Field, Function, Module, Plan, Struct, Type},
};

/// Functions that the client's own types have.
const OWN: [&str; 3] = ["new", "until", "at"];

pub(crate) fn render(plan: &Plan) -> Result<String, NoClient> {
    let mut scope = Scope::new(format!("the Rust client of {}", plan.package));
    for module in &plan.modules {
        scope.take(&names::rust(&module.name, &[]), &module.path)?;
    }
    let modules = plan.modules.iter().map(render_module).collect::<Result<Vec<_>, _>>()?;
    let hash = plan.hash.to_string();
    let file = quote! {
        /// The package that this client was made from. A channel's own is `channel.abi().package`.
        #[allow(dead_code)]
        pub const PACKAGE: &str = #hash;
        #(#modules)*
    };
    let file =
        syn::parse2(file).map_err(|error| NoClient::NotRust { reason: error.to_string() })?;
    Ok(format!("{}\n{}", header(plan), prettyplease::unparse(&file)))
}

fn header(plan: &Plan) -> String {
    format!(
        "// The client of the Move package `{}`, made by `fairway client generate --lang rust`.\n\
         // Do not edit it: make it again when the package changes.\n\
         // Package {}.\n",
        plan.package, plan.hash
    )
}

fn render_module(module: &Module) -> Result<TokenStream, NoClient> {
    check(module)?;
    let name = ident(&names::rust(&module.name, &[]));
    let doc = docs(&module.doc);
    let path = docs(&format!("Move module `{}`.", module.path));
    let structs = module.structs.iter().map(|structure| render_struct(module, structure));
    let aborts = render_aborts(module);
    let events = render_events(module);
    let calls = render_calls(module);
    let views = render_views(module);
    Ok(quote! {
        #doc
        #[doc = ""]
        #path
        #[allow(dead_code, clippy::all)]
        pub mod #name {
            #(#structs)*
            #aborts
            #events
            #calls
            #views
        }
    })
}

/// A name in the module, with the module's before it: `ArenaCalls`.
fn own(module: &Module, what: &str) -> String {
    format!("{}{what}", names::prefix(&module.name))
}

/// Two things with one name are refused, not renamed: a client's names stay as they are when the
/// package grows.
fn check(module: &Module) -> Result<(), NoClient> {
    let mut types = Scope::new(&module.path);
    for structure in &module.structs {
        types.take(&names::type_name(&structure.name), &structure.path)?;
        let mut fields = Scope::new(&structure.path);
        for field in &structure.fields {
            fields.take(&names::rust(&field.name, &[]), &field.name)?;
        }
    }
    for what in ["Calls", "Views", "Event", "Abort"] {
        types.take(&own(module, what), "the client's own type")?;
    }
    let mut aborts = Scope::new(format!("the aborts of {}", module.path));
    for abort in &module.aborts {
        aborts.take(&abort_name(abort), &abort.name)?;
    }
    for functions in [&module.calls, &module.views] {
        let mut methods = Scope::new(&module.path);
        for function in functions {
            methods.take(&names::rust(&function.name, &OWN), &function.path)?;
            let mut params = Scope::new(&function.path);
            for param in &function.params {
                params.take(&names::rust(&param.name, &[]), &param.name)?;
            }
        }
    }
    Ok(())
}

fn abort_name(abort: &AbortAbi) -> String {
    names::type_name(abort.name.strip_prefix("E_").unwrap_or(&abort.name))
}

fn render_struct(module: &Module, structure: &Struct) -> TokenStream {
    let name = ident(&names::type_name(&structure.name));
    let doc = docs(&structure.doc);
    let kind = docs(&format!("Move {} `{}`.", kind(structure), structure.path));
    let params: Vec<Ident> = type_params(structure.type_params).collect();
    let unused: Vec<&Ident> = (0u16..)
        .zip(&params)
        .filter(|(index, _)| !structure.fields.iter().any(|field| field.ty.mentions(*index)))
        .map(|(_, param)| param)
        .collect();
    let fields = structure.fields.iter().map(|field| {
        let (name, ty) = (ident(&names::rust(&field.name, &[])), owned(&field.ty, &module.name));
        quote!(pub #name: #ty)
    });
    let reads = structure.fields.iter().map(|field| {
        let (name, origin) = (ident(&names::rust(&field.name, &[])), &field.name);
        quote!(#name: ::fairway_sdk::typed::field(value, #origin)?)
    });
    let (marker, marked) = if unused.is_empty() {
        (quote!(), quote!())
    } else {
        (
            quote!(_phantom: ::std::marker::PhantomData<(#(#unused,)*)>),
            quote!(_phantom: ::std::marker::PhantomData),
        )
    };
    let generics = if params.is_empty() { quote!() } else { quote!(<#(#params),*>) };
    let bound = quote!(::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType);
    let bounds = if params.is_empty() { quote!() } else { quote!(<#(#params: #bound),*>) };
    let path = &structure.path;
    let tag = if params.is_empty() {
        quote!(#path.to_owned())
    } else {
        let form = format!("{path}<{}>", vec!["{}"; params.len()].join(","));
        quote!(::std::format!(#form, #(#params::type_tag()),*))
    };
    let value = if structure.fields.is_empty() { quote!(_value) } else { quote!(value) };
    let resource = structure
        .is_resource
        .then(|| quote!(impl #bounds ::fairway_sdk::typed::Resource for #name #generics {}));
    quote! {
        #doc
        #[doc = ""]
        #kind
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct #name #generics {
            #(#fields,)*
            #marker
        }

        impl #bounds ::fairway_sdk::typed::MoveType for #name #generics {
            fn type_tag() -> ::std::string::String {
                #tag
            }
        }

        impl #bounds ::fairway_sdk::typed::FromMove for #name #generics {
            fn from_move(
                #value: &::fairway_sdk::Value,
            ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
                ::std::result::Result::Ok(Self {
                    #(#reads,)*
                    #marked
                })
            }
        }

        #resource
    }
}

fn kind(structure: &Struct) -> &'static str {
    match (structure.is_resource, structure.is_event) {
        (true, _) => "resource",
        (_, true) => "event or value",
        _ => "value",
    }
}

fn render_aborts(module: &Module) -> Option<TokenStream> {
    let first = module.aborts.first()?;
    let name = ident(&own(module, "Abort"));
    let variants: Vec<Ident> =
        module.aborts.iter().map(|abort| ident(&abort_name(abort))).collect();
    let documented = module.aborts.iter().zip(&variants).map(|(abort, variant)| {
        let doc = docs(&abort.doc);
        quote!(#doc #variant)
    });
    let texts: Vec<&str> = module.aborts.iter().map(|abort| abort.name.as_str()).collect();
    let codes: Vec<u64> = module.aborts.iter().map(|abort| abort.code).collect();
    let path = &module.path;
    let doc = docs(&format!("Why a call aborted in `{path}`, as `{}`.", first.name));
    Some(quote! {
        #doc
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum #name {
            #(#documented,)*
        }

        impl #name {
            /// The abort that a call failed with, if it was one of these.
            pub fn of(error: &::fairway_sdk::Error) -> ::std::option::Option<Self> {
                match ::fairway_sdk::typed::abort(error, #path)? {
                    #(#codes => ::std::option::Option::Some(Self::#variants),)*
                    _ => ::std::option::Option::None,
                }
            }

            /// Its code in Move.
            pub const fn code(self) -> u64 {
                match self {
                    #(Self::#variants => #codes,)*
                }
            }

            /// Its name in Move.
            pub const fn name(self) -> &'static str {
                match self {
                    #(Self::#variants => #texts,)*
                }
            }
        }
    })
}

fn render_events(module: &Module) -> Option<TokenStream> {
    let events: Vec<&Struct> = module.structs.iter().filter(|s| s.is_event).collect();
    if events.is_empty() {
        return None;
    }
    let name = ident(&own(module, "Event"));
    let types: Vec<Ident> = events.iter().map(|e| ident(&names::type_name(&e.name))).collect();
    let paths: Vec<&str> = events.iter().map(|event| event.path.as_str()).collect();
    let doc = docs(&format!("What `{}` can publish.", module.path));
    Some(quote! {
        #doc
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum #name {
            #(#types(#types),)*
        }

        impl #name {
            /// An event of a block or a report; none if it is of another module.
            pub fn of(
                event: &::fairway_sdk::EventView,
            ) -> ::std::result::Result<::std::option::Option<Self>, ::fairway_sdk::typed::Mismatch> {
                ::std::result::Result::Ok(match event.type_tag.as_str() {
                    #(#paths => ::std::option::Option::Some(Self::#types(
                        <#types as ::fairway_sdk::typed::FromMove>::from_move(&event.data)?,
                    )),)*
                    _ => ::std::option::Option::None,
                })
            }
        }
    })
}

fn render_calls(module: &Module) -> Option<TokenStream> {
    if module.calls.is_empty() {
        return None;
    }
    let name = ident(&own(module, "Calls"));
    let doc = docs(&format!("Calls of `{}` in the name of a member.", module.path));
    let left_out = left_out(module);
    let methods = module.calls.iter().map(|function| {
        let Parts { doc, name, generics, params, type_args, args } = parts(function, &module.name);
        let path = &function.path;
        quote! {
            #doc
            pub async fn #name #generics(
                &self,
                #(#params),*
            ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
                self.member.typed_call(#path, &[#(#type_args),*], &[#(#args),*], self.wait).await
            }
        }
    });
    Some(quote! {
        #doc
        #left_out
        #[derive(Clone)]
        pub struct #name {
            member: ::fairway_sdk::Member,
            wait: ::fairway_sdk::CallStatus,
        }

        impl #name {
            /// Calls that answer once they are certified.
            pub fn new(member: ::fairway_sdk::Member) -> Self {
                Self { member, wait: ::fairway_sdk::CallStatus::Certified }
            }

            /// The same, answering once they have reached `wait`.
            #[must_use]
            pub fn until(&self, wait: ::fairway_sdk::CallStatus) -> Self {
                Self { member: self.member.clone(), wait }
            }

            #(#methods)*
        }
    })
}

fn render_views(module: &Module) -> Option<TokenStream> {
    if module.views.is_empty() {
        return None;
    }
    let name = ident(&own(module, "Views"));
    let doc = docs(&format!("Views of `{}`, on one node's state.", module.path));
    let left_out = if module.calls.is_empty() { left_out(module) } else { None };
    let methods = module.views.iter().map(|function| {
        let Parts { doc, name, generics, params, type_args, args } = parts(function, &module.name);
        let path = &function.path;
        let types = function.returns.iter().map(|ty| owned(ty, &module.name));
        let takes = function.returns.iter().map(|_| quote!(values.take()?));
        let (answer, value) = if function.returns.len() == 1 {
            (quote!(#(#types)*), quote!(values.take()))
        } else {
            let value = quote!((#(#takes),*));
            (quote!((#(#types),*)), quote!(::std::result::Result::Ok(#value)))
        };
        quote! {
            #doc
            pub async fn #name #generics(
                &self,
                #(#params),*
            ) -> ::std::result::Result<#answer, ::fairway_sdk::Error> {
                let mut values = self
                    .channel
                    .typed_view(
                        #path,
                        ::std::vec![#(#type_args),*],
                        ::std::vec![#(#args),*],
                        self.at,
                    )
                    .await?;
                #value
            }
        }
    });
    Some(quote! {
        #doc
        #left_out
        #[derive(Clone)]
        pub struct #name {
            channel: ::fairway_sdk::Channel,
            at: ::fairway_sdk::At,
        }

        impl #name {
            /// Views of the newest state.
            pub fn new(channel: ::fairway_sdk::Channel) -> Self {
                Self { channel, at: ::fairway_sdk::At::Head }
            }

            /// The same, of another state.
            #[must_use]
            pub fn at(&self, at: ::fairway_sdk::At) -> Self {
                Self { channel: self.channel.clone(), at }
            }

            #(#methods)*
        }
    })
}

/// What calls and views write alike.
struct Parts {
    doc: TokenStream,
    name: Ident,
    generics: TokenStream,
    params: Vec<TokenStream>,
    type_args: Vec<TokenStream>,
    args: Vec<TokenStream>,
}

fn parts(function: &Function, module: &str) -> Parts {
    let type_params: Vec<Ident> = type_params(function.type_params).collect();
    let param = |param: &Field| {
        let (name, ty) = (ident(&names::rust(&param.name, &[])), given(&param.ty, module));
        quote!(#name: #ty)
    };
    let arg = |param: &Field| {
        let name = ident(&names::rust(&param.name, &[]));
        if is_borrowed(&param.ty) {
            quote!(::fairway_sdk::typed::ToMove::to_move(#name))
        } else {
            quote!(::fairway_sdk::typed::ToMove::to_move(&#name))
        }
    };
    Parts {
        doc: docs(&function.doc),
        name: ident(&names::rust(&function.name, &OWN)),
        generics: if type_params.is_empty() {
            quote!()
        } else {
            quote!(<#(#type_params: ::fairway_sdk::typed::TypeArgument),*>)
        },
        params: function.params.iter().map(param).collect(),
        type_args: type_params
            .iter()
            .map(|param| quote!(<#param as ::fairway_sdk::typed::MoveType>::type_tag()))
            .collect(),
        args: function.params.iter().map(arg).collect(),
    }
}

fn left_out(module: &Module) -> Option<TokenStream> {
    if module.left_out.is_empty() {
        return None;
    }
    let text = format!("\nNot here: {}.", module.left_out.join("; "));
    Some(docs(&text))
}

/// A type as readers have it.
fn owned(ty: &Type, module: &str) -> TokenStream {
    let inside = |inner: &Type| owned(inner, module);
    match ty {
        Type::Bool => quote!(bool),
        Type::U8 => quote!(u8),
        Type::U64 => quote!(u64),
        Type::U128 => quote!(u128),
        Type::Address => quote!(::fairway_sdk::Address),
        Type::Bytes => quote!(::std::vec::Vec<u8>),
        Type::Text => quote!(::std::string::String),
        Type::Option(inner) => {
            let inner = inside(inner);
            quote!(::std::option::Option<#inner>)
        }
        Type::Vector(inner) => {
            let inner = inside(inner);
            quote!(::std::vec::Vec<#inner>)
        }
        Type::Param(index) => {
            let name = type_param(*index);
            quote!(#name)
        }
        Type::Struct { module: home, name, args } => {
            let name = ident(&names::type_name(name));
            let args: Vec<TokenStream> = args.iter().map(inside).collect();
            let generics = if args.is_empty() { quote!() } else { quote!(<#(#args),*>) };
            if home == module {
                return quote!(#name #generics);
            }
            let home = ident(&names::rust(home, &[]));
            quote!(super::#home::#name #generics)
        }
    }
}

/// A type as callers give it.
fn given(ty: &Type, module: &str) -> TokenStream {
    match ty {
        Type::Text => quote!(&str),
        Type::Bytes => quote!(&[u8]),
        Type::Vector(inner) => {
            let inner = owned(inner, module);
            quote!(&[#inner])
        }
        Type::Bool
        | Type::U8
        | Type::U64
        | Type::U128
        | Type::Address
        | Type::Option(_)
        | Type::Param(_)
        | Type::Struct { .. } => owned(ty, module),
    }
}

fn is_borrowed(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Bytes | Type::Vector(_))
}

fn type_params(count: u16) -> impl Iterator<Item = Ident> {
    (0..count).map(type_param)
}

fn type_param(index: u16) -> Ident {
    ident(&format!("T{index}"))
}

/// An identifier; a word of the language as `r#word`.
fn ident(name: &str) -> Ident {
    if syn::parse_str::<Ident>(name).is_ok() {
        Ident::new(name, Span::call_site())
    } else {
        Ident::new_raw(name, Span::call_site())
    }
}

/// Doc comments, line by line.
fn docs(text: &str) -> TokenStream {
    let lines = text.lines().map(|line| {
        let plain: String = line.chars().filter(|c| !c.is_control()).collect();
        let line = if plain.trim().is_empty() { String::new() } else { format!(" {plain}") };
        quote!(#[doc = #line])
    });
    quote!(#(#lines)*)
}
