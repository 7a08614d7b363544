/** Accusations: what this node found or was told, and what the chain has open about them. */
import type { VerdictView } from "@fairway/sdk";
import { useState } from "react";
import { usePoll, useSource } from "../source.js";
import { termText } from "../standing.js";
import { dateTime } from "../text.js";
import type { Shown } from "./Channel.js";
import { Answer, Facts, Id, Mark, Table } from "./parts.js";

const EVERY_MS = 2_000;

export function Evidence({ shown }: { shown: Shown }) {
  const { channel, info } = shown;
  const source = useSource();
  const polled = usePoll(`evidence ${channel}`, EVERY_MS, () =>
    source.ask("state_channel.evidence", { channel }),
  );
  const { reports, bans, complaint } = info.record.windows;
  return (
    <>
      <Facts
        facts={[
          {
            label: "Rules seen broken here",
            field: "divergences",
            value: shown.activity.divergences,
          },
          { label: "Reports on the chain", field: "reports", value: reports.length },
          {
            label: "Complaint on the chain",
            field: "complaint",
            value: complaint
              ? `about member ${complaint.leader}, until ${dateTime(complaint.deadline)}`
              : "none",
          },
        ]}
      />
      <h3>Accusations that this node knows</h3>
      <Answer polled={polled}>
        {(verdicts) => (
          <Table
            name="Accusations"
            columns={["Accused", "Reporter", "Kind", "Term", "Height", "Verdict", "Reason", "File"]}
            rows={verdicts.map((verdict) => row(verdict, channel))}
            none="None."
          />
        )}
      </Answer>
      <h3>Open on the chain</h3>
      <Table
        name="Reports"
        columns={["Accused", "Reporter", "Evidence", "Until"]}
        rows={reports.map((report) => ({
          id: report.evidence,
          cells: [
            `member ${report.accused}`,
            `member ${report.reporter}`,
            <Id key="evidence" id={report.evidence} />,
            dateTime(report.deadline),
          ],
        }))}
        none="No report is open."
      />
      <h3>Banned</h3>
      <Table
        name="Bans"
        columns={["Account", "Node", "Until"]}
        rows={bans.map((ban) => ({
          id: ban.account,
          cells: [
            <Id key="account" id={ban.account} />,
            <Id key="node" id={ban.node} />,
            dateTime(ban.until),
          ],
        }))}
        none="Nobody is banned."
      />
    </>
  );
}

function row(verdict: VerdictView, channel: string) {
  return {
    id: `${verdict.evidence} ${verdict.reporter}`,
    cells: [
      <Id key="accused" id={verdict.accused} />,
      <Id key="reporter" id={verdict.reporter} />,
      verdict.kind,
      termText(verdict.term),
      verdict.height,
      <Mark key="verdict" good={verdict.verdict === "innocent"}>
        {verdict.verdict}
      </Mark>,
      verdict.reason,
      verdict.has_file ? (
        <File key="file" channel={channel} evidence={verdict.evidence} />
      ) : (
        "not here"
      ),
    ],
  };
}

/** The file as `fairway evidence check` reads it. */
function File({ channel, evidence }: { channel: string; evidence: string }) {
  const source = useSource();
  const [error, setError] = useState<string | undefined>();
  const save = async () => {
    try {
      const found = await source.ask("state_channel.evidence_file", { channel, evidence });
      if (!found) throw new Error("the node has it no more");
      const digits = found.file.slice(2).match(/../g) ?? [];
      const file = Uint8Array.from(digits, (pair) => Number.parseInt(pair, 16));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([file]));
      link.download = `${evidence}.evidence`;
      link.click();
      URL.revokeObjectURL(link.href);
      setError(undefined);
    } catch (failed) {
      setError((failed as Error).message);
    }
  };
  return (
    <>
      <button type="button" onClick={save}>
        Save
      </button>
      {error && <span role="alert">{error}</span>}
    </>
  );
}
