/** How the page stands with the net, when that is not well. */
import type { NetState } from "../net.js";
import type { Play } from "../play.js";
import { useChanging } from "./parts.js";

export function Banner({ play }: { play: Play }) {
  useChanging(play.net);
  const text = netText(play.net.state, play) ?? troubleText(play) ?? channelText(play);
  return (
    <div role="status" aria-live="assertive" className={text ? "banner" : "banner unseen"}>
      {text}
    </div>
  );
}

function netText(state: NetState, { seat, phase }: Play): string | undefined {
  const others = seat.nodes.length > 1;
  switch (state.phase) {
    case "away":
      return [
        `Connection lost: ${state.reason}.`,
        "What is certified, final or settled holds; a predicted move is sent again, or taken back.",
        others ? "Trying this node and the others again." : "Trying again by itself.",
      ].join(" ");
    case "connecting":
      if (state.reason === undefined || phase.is === "taken") return undefined;
      return `No table yet: ${state.reason}. Trying again${others ? " at every node of the link" : ""}.`;
    case "connected":
      if (state.url === seat.nodes[0] || phase.is === "over") return undefined;
      return `Your own node is away: playing at ${state.url}, whose word you take meanwhile.`;
    case "closed":
      return undefined;
  }
}

function troubleText({ trouble }: Play): string | undefined {
  return trouble && `The node does not tell how the table stands: ${trouble}. Asking again.`;
}

/** Of the channel, to who is in it: a node whose member has left hears nobody. */
function channelText({ info, phase }: Play): string | undefined {
  const status = info?.status;
  if (!status || status.closed || phase.is !== "playing") return undefined;
  if (status.lacking_quorum) {
    return `Too few nodes are here to confirm moves: ${status.lacking_quorum}. What is final holds.`;
  }
  if (status.catching_up) return "Your node catches up with the others.";
  if (status.chain_unreachable) {
    return `The ledger is away: ${status.chain_unreachable}. The game goes on; payments wait.`;
  }
  return undefined;
}
