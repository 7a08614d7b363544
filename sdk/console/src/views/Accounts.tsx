/** Accounts of the ledger: those that have signed, page by page, and any by its address. */
import type { AccountView } from "@fairway/sdk";
import { type FormEvent, useState } from "react";
import { fwy } from "../../../pages/amount.js";
import { usePoll, useSource } from "../source.js";
import type { LedgerRoute } from "./Ledger.js";
import { Paged } from "./Paged.js";
import { Answer, Facts, Id, Table } from "./parts.js";

const EVERY_MS = 5_000;

export function Accounts({ route }: { route: LedgerRoute }) {
  return (
    <>
      <Search key={route.account} known={route.account ?? ""} />
      {route.account ? <One account={route.account} /> : <All />}
    </>
  );
}

function Search({ known }: { known: string }) {
  const [text, setText] = useState(known);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    location.hash = `#/ledger/account/${text.trim().toLowerCase()}`;
  };
  return (
    <form onSubmit={submit}>
      <label className="wide">
        Address
        <input
          value={text}
          required
          pattern="\s*0x[0-9a-fA-F]{64}\s*"
          title="0x and 64 hex digits"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <button type="submit">Show</button>
    </form>
  );
}

function All() {
  const source = useSource();
  return (
    <>
      <Paged
        name="Accounts"
        ask={(page) => source.ask("chain.accounts", page)}
        idOf={({ account }) => account}
      >
        {(accounts) => (
          <Table
            name="Accounts"
            columns={["Account", "Transactions", "Balance"]}
            rows={accounts.map(row)}
            none="No account has signed a transaction yet."
          />
        )}
      </Paged>
      <p className="note">
        Accounts that have signed a transaction, by address. One that only received money is found
        by its address.
      </p>
    </>
  );
}

function row({ account, sequence, balance }: AccountView) {
  return {
    id: account,
    cells: [
      <Id key="account" id={account} href={`#/ledger/account/${account}`} />,
      sequence,
      fwy(balance),
    ],
  };
}

function One({ account }: { account: string }) {
  const source = useSource();
  const polled = usePoll(`account ${account}`, EVERY_MS, async () => {
    const [sequence, balance, modules] = await Promise.all([
      source.ask("chain.sequence", { account }),
      source.ask("chain.balance", { account }),
      source.ask("chain.abi", { address: account }),
    ]);
    return { sequence, balance: balance.amount, modules };
  });
  return (
    <Answer polled={polled}>
      {({ sequence, balance, modules }) => (
        <Facts
          facts={[
            { label: "Account", field: "account", value: <Id id={account} full /> },
            { label: "Transactions", field: "account_sequence", value: sequence },
            { label: "Balance", field: "account_balance", value: fwy(balance) },
            {
              label: "Modules",
              field: "account_modules",
              value: modules.map((module) => module.name).join(", ") || "none",
            },
          ]}
        />
      )}
    </Answer>
  );
}
