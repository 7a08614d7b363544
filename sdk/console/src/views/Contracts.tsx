/** What runs on the ledger: the settlement contracts, what accounts published, packages with sources. */
import type { ModuleAbi } from "@fairway/sdk";
import { useState } from "react";
import { usePoll, useSource } from "../source.js";
import { bytes, literal } from "../text.js";
import { Answer, Id, Table, Verbatim } from "./parts.js";

const EVERY_MS = 5_000;
const SETTLEMENT = `0x${"3".padStart(64, "0")}`;

export function Contracts() {
  const source = useSource();
  const own = usePoll("settlement contracts", 0, () =>
    source.ask("chain.abi", { address: SETTLEMENT }),
  );
  const published = usePoll("contracts", EVERY_MS, () => source.ask("chain.contracts", {}));
  const packages = usePoll("packages", EVERY_MS, () => source.ask("chain.packages", {}));
  const [open, setOpen] = useState<string | undefined>();
  return (
    <>
      <h3>Published by accounts</h3>
      <Answer polled={published}>
        {(found) => (
          <Table
            name="Published modules"
            columns={["Module", "Account", "Package"]}
            rows={found.map(({ address, module, package: hash }) => ({
              id: `${address}::${module}`,
              cells: [
                <code key="module">{module}</code>,
                <Id key="address" id={address} href={`#/ledger/account/${address}`} />,
                <Id key="package" id={hash} />,
              ],
            }))}
            none="No account has published a module."
          />
        )}
      </Answer>
      <h3>Packages</h3>
      <Answer polled={packages}>
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
      </Answer>
      {open && <Sources hash={open} />}
      <p className="note">The first hundred of each.</p>
      <h3>Settlement contracts</h3>
      <Answer polled={own}>
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
    </>
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
