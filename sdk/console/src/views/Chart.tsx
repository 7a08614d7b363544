/** A chart over time, with its last values in words for who sees no picture. */
import { useEffect, useId, useRef } from "react";
import uPlot from "uplot";
import { clockTime } from "../text.js";

export interface Line {
  label: string;
  /** Name of a colour of the style sheet: `--certified`. */
  colour: string;
  values: (number | null)[];
  shown(value: number | null): string;
}

const HEIGHT = 180;
/** Pixels between two marks of time at least: each is `23:59:59`. */
const MARK = 80;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function options(
  width: number,
  [from, to]: [from: number, to: number],
  lines: readonly Line[],
  colourOf = colour,
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colourOf("--soft"),
    grid: { stroke: colourOf("--grid"), width: 1 },
    ticks: { stroke: colourOf("--grid"), width: 1 },
    size: 48,
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: [from, to] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 28,
        space: MARK,
        values: (_, marks) => marks.map((seconds) => clockTime(seconds * 1_000)),
      },
      axis,
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colourOf(line.colour),
        width: 2,
        spanGaps: false,
        points: { show: line.values.filter((value) => value !== null).length < 30, size: 5 },
      })),
    ],
  };
}

/** uPlot spans nothing where there is no point: then there are two without values. */
export function data(
  [from, to]: [from: number, to: number],
  times: number[],
  lines: readonly Line[],
): uPlot.AlignedData {
  if (times.length === 0) return [[from, to], ...lines.map(() => [null, null])];
  return [times, ...lines.map((line) => line.values)];
}

export function Chart({
  title,
  span,
  times,
  lines,
}: {
  title: string;
  /** The seconds since 1970 that it begins and ends with. */
  span: [from: number, to: number];
  times: number[];
  lines: Line[];
}) {
  const place = useRef<HTMLDivElement>(null);
  const heading = useId();
  // Drawn anew with each value: once a second, and the colours are those of the moment.
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const width = element.clientWidth || 300;
    const plot = new uPlot(options(width, span, lines), data(span, times, lines), element);
    return () => plot.destroy();
  }, [span, times, lines]);
  return (
    <figure aria-labelledby={heading}>
      <figcaption>
        <strong id={heading}>{title}</strong>
        <ul className="plain legend">
          {lines.map((line) => (
            <li key={line.label} data-line={line.label}>
              <span className="swatch" style={{ background: `var(${line.colour})` }} />
              {line.label}: <b>{line.shown(line.values.at(-1) ?? null)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} className="plot" aria-hidden="true" />
    </figure>
  );
}
