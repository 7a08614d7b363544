/** One channel: its tabs, and what of it is asked for whatever is shown. */
import type { Activity, ChannelInfo } from "@fairway/sdk";
import { useMemo, useState } from "react";
import { CHANNEL_TABS, type Route, routeText } from "../route.js";
import { Series } from "../series.js";
import { usePoll, useSource } from "../source.js";
import { Blocks } from "./Blocks.js";
import { Events } from "./Events.js";
import { Evidence } from "./Evidence.js";
import { Members } from "./Members.js";
import { Overview } from "./Overview.js";
import { Answer, Id, Tabs } from "./parts.js";
import { Settlement } from "./Settlement.js";
import { StateBrowser } from "./StateBrowser.js";

const EVERY_MS = 1_000;

type ChannelRoute = Extract<Route, { page: "channel" }>;

/** What the tabs of a channel are given. */
export interface Shown {
  channel: string;
  /** The node that answers. */
  node: string;
  info: ChannelInfo;
  activity: Activity;
  series: Series;
  route: ChannelRoute;
}

export function ChannelPage({ route }: { route: ChannelRoute }) {
  const source = useSource();
  const { channel } = route;
  const series = useMemo(() => new Series(), []);
  const [node, setNode] = useState<string | undefined>();
  const polled = usePoll(channel, EVERY_MS, async () => {
    const [info, activity] = await Promise.all([
      source.ask("state_channel.get", { channel }),
      source.ask("state_channel.activity", { channel }),
    ]);
    // The node stays the same while the page stands.
    if (node === undefined) setNode((await source.ask("state_channel.status", {})).node);
    series.add(activity);
    return { info, activity };
  });
  const tabs = CHANNEL_TABS.map((tab) => ({
    id: tab,
    label: tab.charAt(0).toUpperCase() + tab.slice(1),
    href: routeText({ page: "channel", channel, tab }),
  }));
  return (
    <>
      <h2>
        Channel <Id id={channel} />
      </h2>
      <Tabs name="Parts of the channel" tabs={tabs} current={route.tab} />
      <Answer polled={polled}>
        {({ info, activity }) =>
          node === undefined ? (
            <p className="note">asking…</p>
          ) : (
            <Tab shown={{ channel, node, info, activity, series, route }} />
          )
        }
      </Answer>
    </>
  );
}

function Tab({ shown }: { shown: Shown }) {
  switch (shown.route.tab) {
    case "overview":
      return <Overview shown={shown} />;
    case "members":
      return <Members shown={shown} />;
    case "blocks":
      return <Blocks shown={shown} />;
    case "events":
      return <Events shown={shown} />;
    case "state":
      return <StateBrowser key={shown.route.height} shown={shown} />;
    case "settlement":
      return <Settlement shown={shown} />;
    case "evidence":
      return <Evidence shown={shown} />;
  }
}
