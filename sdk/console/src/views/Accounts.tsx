/** Accounts of the ledger: those that have signed, page by page, and any by its address. */
import type { AccountView } from "@fairway/sdk";
import { fwy } from "../../../pages/amount.js";
import { isKnown, account as read } from "../search.js";
import { usePoll, useSource } from "../source.js";
import type { LedgerRoute } from "./Ledger.js";
import { Paged } from "./Paged.js";
import { Answer, Facts, Id, Table } from "./parts.js";

const EVERY_MS = 5_000;

export function Accounts({ route }: { route: LedgerRoute }) {
  return route.account ? <One account={route.account} /> : <All />;
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
  const polled = usePoll(`account ${account}`, EVERY_MS, () => read(source, account));
  return (
    <Answer polled={polled}>
      {({ sequence, balance, modules }) => (
        <>
          {!isKnown({ sequence, balance, modules }) && (
            <p role="alert">
              The ledger has no such account: it has signed nothing, holds no FWY and has published
              nothing.
            </p>
          )}
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
        </>
      )}
    </Answer>
  );
}
