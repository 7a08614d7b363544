/** Move types as the ABI and as text: `vector<u64>`, `0x42::a::B<u64,0x1::c::D>`. */

import type { FunctionAbi, FunctionName, ModuleAbi, StructRef, TypeAbi } from "./api.js";
import { literalBytes, short, toHex } from "./bytes.js";
import { functionNotFound, invalid } from "./errors.js";

const MOST_DEPTH = 16;
const MOST_BYTES = 1024;
const PRIMITIVES = new Set(["bool", "u8", "u64", "u128", "address", "signer"]);

/** What can be called: a channel's, or what an account published. */
export interface Abi {
  modules: ModuleAbi[];
}

/** A type as text. */
export function showType(type: TypeAbi): string {
  if (typeof type === "string") return type;
  if ("vector" in type) return `vector<${showType(type.vector)}>`;
  if ("struct" in type) return showStruct(type.struct);
  if ("type_param" in type) return `T${type.type_param}`;
  if ("reference" in type) return `&${showType(type.reference)}`;
  return `&mut ${showType(type.mut_reference)}`;
}

export function showStruct(structure: StructRef): string {
  const path = `${short(structure.address)}::${structure.module}::${structure.name}`;
  return structure.type_args.length
    ? `${path}<${structure.type_args.map(showType).join(",")}>`
    : path;
}

/** The type that a text names. */
export function parseType(text: string): TypeAbi {
  const state = { rest: text.replace(/\s/g, "") };
  const type = text.length <= MOST_BYTES ? parseAt(state, 0) : undefined;
  if (!type || state.rest)
    throw invalid("type", `${JSON.stringify(text.slice(0, 80))} is not a type`);
  return type;
}

function parseAt(state: { rest: string }, depth: number): TypeAbi | undefined {
  if (depth > MOST_DEPTH) return undefined;
  const head = /^[^<>,]*/.exec(state.rest)?.[0] ?? "";
  state.rest = state.rest.slice(head.length);
  const args = parseArgs(state, depth);
  if (!args) return undefined;
  if (PRIMITIVES.has(head)) return args.length ? undefined : (head as TypeAbi);
  const [inner] = args;
  if (head === "vector") return inner && args.length === 1 ? { vector: inner } : undefined;
  return parseStruct(head, args);
}

function parseStruct(path: string, type_args: TypeAbi[]): TypeAbi | undefined {
  const [at, module, name, ...more] = path.split("::");
  const bytes = literalBytes(at ?? "");
  const identifiers = [module, name].every((part) => /^[A-Za-z_]\w*$/.test(part ?? ""));
  if (!bytes || !module || !name || more.length || !identifiers) return undefined;
  return { struct: { address: toHex(bytes), module, name, type_args } };
}

/** `<A,B>` at the start of what is left, or nothing. */
function parseArgs(state: { rest: string }, depth: number): TypeAbi[] | undefined {
  const args: TypeAbi[] = [];
  if (!state.rest.startsWith("<")) return args;
  do {
    state.rest = state.rest.slice(1);
    const arg = parseAt(state, depth + 1);
    if (!arg) return undefined;
    args.push(arg);
  } while (state.rest.startsWith(","));
  if (!state.rest.startsWith(">")) return undefined;
  state.rest = state.rest.slice(1);
  return args;
}

/** `0x44::payments::pay`, taken apart. */
export function parseFunction(text: string): FunctionName {
  const [at, module, ...name] = String(text).split("::");
  const bytes = literalBytes(at ?? "");
  if (!bytes || !module || !name.length) {
    throw invalid(
      "function",
      `expected 0xADDRESS::module::function, found ${JSON.stringify(text)}`,
    );
  }
  return { address: toHex(bytes), module, function: name.join("::") };
}

function showFunction(name: FunctionName): string {
  return `${short(name.address)}::${name.module}::${name.function}`;
}

/** The entry function with this name. */
export function entryFunction(abi: Abi, name: FunctionName): FunctionAbi {
  const module = abi.modules.find((m) => m.address === name.address && m.name === name.module);
  const found = module?.functions.find((f) => f.name === name.function && f.entry);
  if (!found) throw functionNotFound(showFunction(name));
  return found;
}
