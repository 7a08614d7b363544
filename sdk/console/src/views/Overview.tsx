/** Where a channel stands, and what it does over time. */
import { span } from "../series.js";
import { openWindows, termText, troubles } from "../standing.js";
import { bytes, millis, rate } from "../text.js";
import type { Shown } from "./Channel.js";
import { Leader } from "./Channels.js";
import { Chart } from "./Chart.js";
import { Facts, Id, Mark } from "./parts.js";

export function Overview({ shown }: { shown: Shown }) {
  const { info, node } = shown;
  const { status, record } = info;
  if (!status) return <p role="alert">This node does not run the channel.</p>;
  const wrong = [...troubles(status), ...openWindows(record)];
  return (
    <>
      {wrong.length > 0 && (
        <ul className="wrong" aria-label="What needs a look">
          {wrong.map((reason) => (
            <li key={reason}>
              <Mark good={false}>{reason}</Mark>
            </li>
          ))}
        </ul>
      )}
      <Facts
        facts={[
          { label: "Role of this node", field: "role", value: status.role },
          {
            label: "Leader",
            field: "leader",
            value: <Leader leader={status.leader} node={node} />,
          },
          { label: "Term (epoch.view)", field: "term", value: termText(status.term) },
          { label: "Head", field: "head", value: status.head },
          { label: "Certified", field: "certified", value: status.certified },
          { label: "Final", field: "final", value: status.final },
          { label: "Settled", field: "settled", value: status.settled },
          { label: "Settlements", field: "settlements", value: status.settlements },
          { label: "Blocks kept from", field: "kept", value: status.pruned + 1 },
          { label: "Calls waiting", field: "queued", value: status.queued },
          { label: "Open", field: "open", value: status.closed || !record.open ? "no" : "yes" },
        ]}
      />
      {status.catching_up && (
        <p>
          Takes a snapshot of height {status.catching_up.height}: {status.catching_up.entries} of{" "}
          {status.catching_up.of_entries} entries, {bytes(status.catching_up.bytes)}.
        </p>
      )}
      <Charts shown={shown} />
      <h3>Names</h3>
      <Facts
        facts={[
          { label: "Channel", field: "channel", value: <Id id={status.channel} full /> },
          { label: "Package", field: "package", value: <Id id={record.package} full /> },
          { label: "Head", field: "head_hash", value: <Id id={status.head_hash} full /> },
          { label: "State root", field: "state_root", value: <Id id={status.state_root} full /> },
        ]}
      />
    </>
  );
}

function Charts({ shown }: { shown: Shown }) {
  const { points } = shown.series;
  const { activity } = shown;
  const times = points.map((point) => point.time);
  const shownSpan = span(times, activity.time / 1_000);
  return (
    <>
      <h3>Over time</h3>
      <div className="charts">
        <Chart
          title="Calls a second"
          span={shownSpan}
          times={times}
          lines={[
            {
              label: "ordered",
              colour: "--executed",
              values: points.map((point) => point.orderedPerSecond),
              shown: (value) => rate(value ?? undefined),
            },
            {
              label: "certified",
              colour: "--certified",
              values: points.map((point) => point.certifiedPerSecond),
              shown: (value) => rate(value ?? undefined),
            },
          ]}
        />
        <Chart
          title="Time to certified"
          span={shownSpan}
          times={times}
          lines={[
            {
              label: "block, mean",
              colour: "--final",
              values: points.map((point) => point.mean),
              shown: millis,
            },
            {
              label: "99 of 100 blocks within",
              colour: "--settled",
              values: points.map((point) => point.p99),
              shown: millis,
            },
            {
              label: "call asked here, mean",
              colour: "--executed",
              values: points.map((point) => point.callMean),
              shown: millis,
            },
          ]}
        />
      </div>
      <p className="note">
        Of blocks from their place in this node's log on, of calls from their arrival here on, where
        they waited here to be certified. 99 of 100 is read from buckets, and no finer than they
        are.
      </p>
      <Facts
        facts={[
          { label: "Calls ordered", field: "ordered_calls", value: activity.ordered_calls },
          { label: "Calls certified", field: "certified_calls", value: activity.certified_calls },
          {
            label: "Calls taken back",
            field: "rolled_back_calls",
            value: activity.rolled_back_calls,
          },
          {
            label: "Answered here as certified",
            field: "answered",
            value: activity.call_certified_after.count,
          },
        ]}
      />
      <p className="note">Counted since the node runs the channel.</p>
    </>
  );
}
