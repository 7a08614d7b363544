/** What runs on the ledger: the settlement contracts, what accounts published, packages with sources. */
import type { ContractView, ModuleAbi } from "@fairway/sdk";
import { useState } from "react";
import { usePoll, useSource } from "../source.js";
import { bytes, literal } from "../text.js";
import { Paged } from "./Paged.js";
import { Answer, Id, Table, Verbatim } from "./parts.js";

const SETTLEMENT = `0x${"3".padStart(64, "0")}`;

export function Contracts() {
  return (
    <>
      <h3>Published by accounts</h3>
      <Published />
      <h3>Packages</h3>
      <Packages />
      <h3>Settlement contracts</h3>
      <Settlement />
    </>
  );
}

/** A module's name on the chain. */
function moduleId({ address, module }: ContractView): string {
  return `${address}::${module}`;
}

function Published() {
  const source = useSource();
  return (
    <Paged
      name="Published modules"
      ask={(page) => source.ask("chain.contracts", page)}
      idOf={moduleId}
    >
      {(found) => (
        <Table
          name="Published modules"
          columns={["Module", "Account", "Package"]}
          rows={found.map((one) => ({
            id: moduleId(one),
            cells: [
              <code key="module">{one.module}</code>,
              <Id key="address" id={one.address} href={`#/ledger/account/${one.address}`} />,
              <Id key="package" id={one.package} />,
            ],
          }))}
          none="No account has published a module."
        />
      )}
    </Paged>
  );
}

function Packages() {
  const source = useSource();
  const [open, setOpen] = useState<string | undefined>();
  return (
    <>
      <Paged
        name="Packages"
        ask={(page) => source.ask("chain.packages", page)}
        idOf={(one) => one.package}
      >
        {(found) => (
          <Table
            name="Packages"
            columns={["Name", "Hash", "Files", "Size", "Sources"]}
            rows={found.map((one) => ({
              id: one.package,
              cells: [
                one.name,
                <Id key="hash" id={one.package} />,
                one.files,
                bytes(one.bytes),
                <button
                  key="sources"
                  type="button"
                  aria-label={`${open === one.package ? "Hide" : "Show"} the sources of ${one.name}`}
                  aria-expanded={open === one.package}
                  onClick={() => setOpen(open === one.package ? undefined : one.package)}
                >
                  {open === one.package ? "Hide" : "Show"}
                </button>,
              ],
            }))}
            none="No package is registered."
          />
        )}
      </Paged>
      {open && <Sources hash={open} />}
    </>
  );
}

function Settlement() {
  const source = useSource();
  const polled = usePoll("settlement contracts", 0, () =>
    source.ask("chain.abi", { address: SETTLEMENT }),
  );
  return (
    <Answer polled={polled}>
      {(modules) => (
        <ul className="plain entries">
          {modules.map((module) => (
            <li key={module.name}>
              <Module module={module} />
            </li>
          ))}
        </ul>
      )}
    </Answer>
  );
}

function Module({ module }: { module: ModuleAbi }) {
  return (
    <details>
      <summary>
        <code>
          {literal(module.address)}::{module.name}
        </code>
      </summary>
      <p>{module.doc}</p>
      <ul>
        {module.functions.map((one) => (
          <li key={one.name}>
            <code>{one.name}</code> {one.doc}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Sources({ hash }: { hash: string }) {
  const source = useSource();
  const polled = usePoll(`package ${hash}`, 0, () =>
    source.ask("chain.package", { package: hash }),
  );
  return (
    <Answer polled={polled}>
      {(found) => (
        <>
          <h4>
            {found.name}: <Id id={hash} full />
          </h4>
          {found.files.map((file) => (
            <details key={file.path} open>
              <summary>{file.path}</summary>
              <Verbatim>{file.text}</Verbatim>
            </details>
          ))}
        </>
      )}
    </Answer>
  );
}
