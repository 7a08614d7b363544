/** A call's gas by function, on demand: the node runs the call again for it. */

import type { GasReport } from "@fairway/sdk";
import { useState } from "react";
import { useSource } from "../source.js";
import { Facts, Table } from "./parts.js";

type Told = { trace: GasReport } | { error: string } | "asking" | undefined;

export function TraceView({
  channel,
  height,
  place,
}: {
  channel: string;
  height: number;
  place: number;
}) {
  const source = useSource();
  const [told, setTold] = useState<Told>();
  const ask = async () => {
    setTold("asking");
    try {
      setTold({ trace: await source.ask("state_channel.trace", { channel, height, place }) });
    } catch (error) {
      setTold({ error: (error as Error).message });
    }
  };
  return (
    <>
      <button type="button" onClick={ask} disabled={told === "asking"}>
        Gas by function
      </button>
      {told && typeof told === "object" && "error" in told && <p role="alert">{told.error}</p>}
      {told && typeof told === "object" && "trace" in told && <Functions trace={told.trace} />}
    </>
  );
}

function Functions({ trace }: { trace: GasReport }) {
  return (
    <>
      <Facts
        facts={[
          { label: "Traced gas", field: "traced_gas", value: trace.gas_used },
          { label: "Of it for what it wrote", field: "storage_gas", value: trace.storage },
        ]}
      />
      <Table
        name="Gas by function"
        columns={["Function", "Entered", "Own gas", "With what it called"]}
        rows={trace.functions.map((entry) => ({
          id: entry.function,
          cells: [<code key="name">{entry.function}</code>, entry.entries, entry.own, entry.total],
        }))}
        none="It entered no function."
      />
    </>
  );
}
