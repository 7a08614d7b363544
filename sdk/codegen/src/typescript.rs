//! A client in TypeScript, over `@fairway/sdk/typed`: one file for all modules of the package.

use std::fmt::Write;

use crate::{
    NoClient, names,
    names::Scope,
    plan::{Field, Function, Module, Plan, Struct, Type},
};

pub(crate) fn render(plan: &Plan) -> Result<String, NoClient> {
    let writer = Writer { plan };
    writer.check()?;
    let body: String = plan.modules.iter().map(|module| writer.module(module)).collect();
    let typed =
        if body.contains("move.") { "import * as move from \"@fairway/sdk/typed\";\n" } else { "" };
    let sdk = if body.contains("fairway.") {
        "import type * as fairway from \"@fairway/sdk\";\n"
    } else {
        ""
    };
    Ok(format!(
        "// The client of the Move package `{}`, made by `fairway client generate --lang ts`.\n\
         // Do not edit it: make it again when the package changes.\n\
         // Package {hash}.\n\n\
         {sdk}{typed}\n\
         /** The package that this client was made from. A channel's own is `channel.abi.package`. */\n\
         export const PACKAGE = \"{hash}\";\n\
         {body}",
        plan.package,
        hash = plan.hash,
    ))
}

struct Writer<'a> {
    plan: &'a Plan,
}

/// A name with the module's before it: `ArenaCalls`.
fn own(module: &Module, what: &str) -> String {
    format!("{}{what}", names::prefix(&module.name))
}

/// The same for functions and constants: `arenaEvent`.
fn own_value(module: &Module, what: &str) -> String {
    let prefix = names::prefix(&module.name);
    let (first, rest) = prefix.split_at(1);
    format!("{}{rest}{what}", first.to_ascii_lowercase())
}

impl Writer<'_> {
    /// Two things with one name are refused, not renamed: a client's names stay as they are when the
    /// package grows.
    fn check(&self) -> Result<(), NoClient> {
        let mut types = Scope::new(format!("the TypeScript client of {}", self.plan.package));
        types.take("PACKAGE", "the client's own constant")?;
        for module in &self.plan.modules {
            for structure in &module.structs {
                types.take(&self.name(&module.name, &structure.name), &structure.path)?;
                let mut fields = Scope::new(&structure.path);
                for field in &structure.fields {
                    fields.take(&names::typescript_field(&field.name), &field.name)?;
                }
            }
            for what in ["Calls", "Views", "Event", "Abort"] {
                types.take(
                    &own(module, what),
                    &format!("the client's own type for {}", module.path),
                )?;
            }
            for functions in [&module.calls, &module.views] {
                let mut methods = Scope::new(&module.path);
                for function in functions {
                    methods.take(&names::typescript(&function.name), &function.path)?;
                    let mut params = Scope::new(&function.path);
                    for index in 0..function.type_params {
                        params.take(&format!("type{index}"), "a type argument")?;
                    }
                    for param in &function.params {
                        params.take(&names::typescript(&param.name), &param.name)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A struct's name in the file, with its module's where another one has the same.
    fn name(&self, module: &str, name: &str) -> String {
        let plain = names::typescript_type(name);
        let all = self.plan.modules.iter().flat_map(|module| &module.structs);
        let shared = all.filter(|other| names::typescript_type(&other.name) == plain).count() > 1;
        if shared { names::prefix(module) + &plain } else { plain }
    }

    fn module(&self, module: &Module) -> String {
        let mut out = format!("\n// {}\n", module.path);
        for structure in &module.structs {
            self.structure(module, structure, &mut out);
        }
        aborts(module, &mut out);
        self.events(module, &mut out);
        self.calls(module, &mut out);
        self.views(module, &mut out);
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }

    fn structure(&self, module: &Module, structure: &Struct, out: &mut String) {
        let name = self.name(&module.name, &structure.name);
        let (generics, params, args) = generics(structure.type_params);
        out.push_str(&doc("", &[&structure.doc, &format!("Move: `{}`.", structure.path)]));
        let _ = writeln!(out, "export interface {name}{generics} {{");
        for field in &structure.fields {
            let _ = writeln!(
                out,
                "  readonly {}: {};",
                names::typescript_field(&field.name),
                self.ty(&field.ty)
            );
        }
        for index in 0..structure.type_params {
            if !structure.fields.iter().any(|field| field.ty.mentions(index)) {
                let _ = writeln!(out, "  readonly _phantom{index}?: T{index};");
            }
        }
        out.push_str("}\n");
        let fields: Vec<String> = structure.fields.iter().map(|field| self.field(field)).collect();
        let path = &structure.path;
        let ty = format!("move.StructType<{name}{generics}>");
        if structure.type_params == 0 {
            let fields = block("", &fields);
            let _ = writeln!(
                out,
                "\nexport const {name}: {ty} = move.struct(\"{path}\", () => ({fields}));\n"
            );
        } else {
            let fields = block("  ", &fields);
            let tags: Vec<String> = args.iter().map(|arg| format!("${{{arg}.tag}}")).collect();
            let _ = writeln!(
                out,
                "\nexport function {name}{generics}({params}): {ty} {{\n  \
                 return move.struct(`{path}<{}>`, () => ({fields}));\n}}\n",
                tags.join(",")
            );
        }
    }

    fn field(&self, field: &Field) -> String {
        let name = names::typescript_field(&field.name);
        format!("{name}: [\"{}\", {}]", field.name, self.codec(&field.ty))
    }

    fn events(&self, module: &Module, out: &mut String) {
        let events: Vec<&Struct> = module.structs.iter().filter(|s| s.is_event).collect();
        if events.is_empty() {
            return;
        }
        let name = own(module, "Event");
        out.push_str(&doc("", &[&format!("What `{}` can publish.", module.path)]));
        let _ = write!(out, "export type {name} =");
        for event in &events {
            let ty = self.name(&module.name, &event.name);
            let _ =
                write!(out, "\n  | {{ readonly type: \"{}\"; readonly data: {ty} }}", event.name);
        }
        out.push_str(";\n\n");
        out.push_str(&doc(
            "",
            &["An event of a block or a report; `undefined` if it is of another module."],
        ));
        let _ = writeln!(
            out,
            "export function {}(event: fairway.EventView): {name} | undefined {{\n  switch (event.type) {{",
            own_value(module, "Event")
        );
        for event in &events {
            let ty = self.name(&module.name, &event.name);
            let _ = writeln!(
                out,
                "    case \"{}\":\n      return {{ type: \"{}\", data: {ty}.read(event.data) }};",
                event.path, event.name
            );
        }
        out.push_str("    default:\n      return undefined;\n  }\n}\n\n");
    }

    fn calls(&self, module: &Module, out: &mut String) {
        if module.calls.is_empty() {
            return;
        }
        let about = format!("Calls of `{}` in the name of a member.", module.path);
        out.push_str(&doc("", &[&about, &module.doc, &left_out(module)]));
        let _ = writeln!(
            out,
            "export class {} {{\n  readonly #member: fairway.Member;\n\n  \
             constructor(member: fairway.Member) {{\n    this.#member = member;\n  }}",
            own(module, "Calls")
        );
        for function in &module.calls {
            let Signature { generics, params, type_args, args } = self.signature(function);
            let _ = write!(
                out,
                "\n{}  {}{generics}({params}): fairway.CallHandle {{\n    \
                 return this.#member.call(\"{}\", [{args}]{type_args});\n  }}\n",
                doc("  ", &[&function.doc]),
                names::typescript(&function.name),
                function.path,
            );
        }
        out.push_str("}\n\n");
    }

    fn views(&self, module: &Module, out: &mut String) {
        if module.views.is_empty() {
            return;
        }
        let about = format!("Views of `{}`, on one node's state.", module.path);
        let left_out = if module.calls.is_empty() { left_out(module) } else { String::new() };
        out.push_str(&doc("", &[&about, &module.doc, &left_out]));
        let _ = writeln!(
            out,
            "export class {} {{\n  readonly #channel: fairway.Channel;\n  readonly #at: fairway.At;\n\n  \
             constructor(channel: fairway.Channel, at: fairway.At = \"head\") {{\n    \
             this.#channel = channel;\n    this.#at = at;\n  }}",
            own(module, "Views")
        );
        for function in &module.views {
            self.view(function, out);
        }
        out.push_str("}\n\n");
    }

    fn view(&self, function: &Function, out: &mut String) {
        let Signature { generics, params, type_args, args } = self.signature(function);
        let types: Vec<String> = function.returns.iter().map(|ty| self.ty(ty)).collect();
        let codecs: Vec<String> = function.returns.iter().map(|ty| self.codec(ty)).collect();
        let (answer, value) = match (types.as_slice(), codecs.as_slice()) {
            ([ty], [codec]) => (ty.clone(), format!("{codec}.read(values[0])")),
            _ => {
                let reads = codecs.iter().enumerate();
                let reads: Vec<_> =
                    reads.map(|(index, codec)| format!("{codec}.read(values[{index}])")).collect();
                (format!("[{}]", types.join(", ")), format!("[{}]", reads.join(", ")))
            }
        };
        let options = if type_args.is_empty() {
            "{ at: this.#at }".to_owned()
        } else {
            format!("{{ at: this.#at{type_args} }}")
        };
        let _ = write!(
            out,
            "\n{}  async {}{generics}({params}): Promise<{answer}> {{\n    \
             const values = await this.#channel.view(\"{}\", [{args}], {options});\n    \
             return {value};\n  }}\n",
            doc("  ", &[&function.doc]),
            names::typescript(&function.name),
            function.path,
        );
    }

    fn signature(&self, function: &Function) -> Signature {
        let (generics, mut params, types) = generics(function.type_params);
        for param in &function.params {
            if !params.is_empty() {
                params.push_str(", ");
            }
            let _ = write!(params, "{}: {}", names::typescript(&param.name), self.ty(&param.ty));
        }
        let arg = |param: &Field| {
            let name = names::typescript(&param.name);
            if is_plain(&param.ty) {
                name
            } else {
                format!("{}.write({name})", self.codec(&param.ty))
            }
        };
        let args: Vec<String> = function.params.iter().map(arg).collect();
        let tags: Vec<String> = types.iter().map(|ty| format!("{ty}.tag")).collect();
        let type_args = if tags.is_empty() {
            String::new()
        } else if function.returns.is_empty() {
            format!(", {{ typeArgs: [{}] }}", tags.join(", "))
        } else {
            format!(", typeArgs: [{}]", tags.join(", "))
        };
        Signature { generics, params, type_args, args: args.join(", ") }
    }

    /// A type as apps have it.
    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "boolean".into(),
            Type::U8 => "number".into(),
            Type::U64 | Type::U128 => "bigint".into(),
            Type::Address => "fairway.Address".into(),
            Type::Bytes => "Uint8Array".into(),
            Type::Text => "string".into(),
            Type::Option(inner) => format!("{} | null", self.ty(inner)),
            Type::Vector(inner) if matches!(**inner, Type::Option(_)) => {
                format!("readonly ({})[]", self.ty(inner))
            }
            Type::Vector(inner) if matches!(**inner, Type::Vector(_)) => {
                format!("readonly ({})[]", self.ty(inner))
            }
            Type::Vector(inner) => format!("readonly {}[]", self.ty(inner)),
            Type::Param(index) => format!("T{index}"),
            Type::Struct { module, name, args } => {
                let args: Vec<String> = args.iter().map(|arg| self.ty(arg)).collect();
                let args =
                    if args.is_empty() { String::new() } else { format!("<{}>", args.join(", ")) };
                self.name(module, name) + &args
            }
        }
    }

    /// What reads and writes a type.
    fn codec(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "move.bool".into(),
            Type::U8 => "move.u8".into(),
            Type::U64 => "move.u64".into(),
            Type::U128 => "move.u128".into(),
            Type::Address => "move.address".into(),
            Type::Bytes => "move.bytes".into(),
            Type::Text => "move.string".into(),
            Type::Option(inner) => format!("move.option({})", self.codec(inner)),
            Type::Vector(inner) => format!("move.vector({})", self.codec(inner)),
            Type::Param(index) => format!("type{index}"),
            Type::Struct { module, name, args } => {
                let args: Vec<String> = args.iter().map(|arg| self.codec(arg)).collect();
                let args =
                    if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
                self.name(module, name) + &args
            }
        }
    }
}

struct Signature {
    generics: String,
    params: String,
    /// As they follow other options.
    type_args: String,
    args: String,
}

/// `<T0>`, `type0: move.Type<T0>` and the names of the latter.
fn generics(count: u16) -> (String, String, Vec<String>) {
    if count == 0 {
        return (String::new(), String::new(), Vec::new());
    }
    let names: Vec<String> = (0..count).map(|index| format!("T{index}")).collect();
    let params: Vec<String> =
        (0..count).map(|index| format!("type{index}: move.Type<T{index}>")).collect();
    let args = (0..count).map(|index| format!("type{index}")).collect();
    (format!("<{}>", names.join(", ")), params.join(", "), args)
}

/// Whether the SDK takes a value of the type as it is.
fn is_plain(ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::U8 | Type::U64 | Type::U128 | Type::Address | Type::Text => true,
        Type::Bytes | Type::Option(_) | Type::Vector(_) | Type::Param(_) | Type::Struct { .. } => {
            false
        }
    }
}

fn aborts(module: &Module, out: &mut String) {
    if module.aborts.is_empty() {
        return;
    }
    let (name, table) = (own(module, "Abort"), own_value(module, "Aborts"));
    out.push_str(&doc(
        "",
        &[&format!("Why a call aborts in `{}`: its codes by name.", module.path)],
    ));
    let _ = writeln!(out, "export const {table} = {{");
    for abort in &module.aborts {
        let _ = writeln!(out, "{}  {}: {}n,", doc("  ", &[&abort.doc]), abort.name, abort.code);
    }
    let _ = writeln!(
        out,
        "}} as const;\n\nexport type {name} = keyof typeof {table};\n\n\
         {}export function {}(error: unknown): {name} | undefined {{\n  \
         return move.abort(error, \"{}\", {table});\n}}\n",
        doc("", &["The abort that a call failed with, if it was one of these."]),
        own_value(module, "Abort"),
        module.path,
    );
}

fn left_out(module: &Module) -> String {
    if module.left_out.is_empty() {
        return String::new();
    }
    format!("Not here: {}.", module.left_out.join("; "))
}

/// `{ a, b }`, on lines of their own.
fn block(indent: &str, items: &[String]) -> String {
    if items.is_empty() {
        return "{}".into();
    }
    let lines: String = items.iter().map(|item| format!("{indent}  {item},\n")).collect();
    format!("{{\n{lines}{indent}}}")
}

/// A doc comment of some paragraphs; nothing for empty ones.
fn doc(indent: &str, paragraphs: &[&str]) -> String {
    let plain = |line: &str| {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        line.replace("*/", "*\\/").trim_end().to_owned()
    };
    let mut lines: Vec<String> = Vec::new();
    for paragraph in paragraphs.iter().filter(|text| !text.trim().is_empty()) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(paragraph.lines().map(plain));
    }
    match lines.as_slice() {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        _ => {
            let body: String = lines
                .iter()
                .map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n")
                .collect();
            format!("{indent}/**\n{body}{indent} */\n")
        }
    }
}
