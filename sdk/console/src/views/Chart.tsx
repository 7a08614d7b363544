/** A chart over time, with its last values in words for who sees no picture. */
import { useEffect, useId, useRef } from "react";
import uPlot from "uplot";

export interface Line {
  label: string;
  /** Name of a colour of the style sheet: `--certified`. */
  colour: string;
  values: (number | null)[];
  shown(value: number | null): string;
}

const HEIGHT = 180;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options(width: number, lines: readonly Line[]): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { stroke: colour("--grid"), width: 1 },
    size: 48,
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [{ ...axis, size: 28 }, axis],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 2,
        spanGaps: false,
        points: { show: line.values.filter((value) => value !== null).length < 30, size: 5 },
      })),
    ],
  };
}

export function Chart({ title, times, lines }: { title: string; times: number[]; lines: Line[] }) {
  const place = useRef<HTMLDivElement>(null);
  const heading = useId();
  // Drawn anew with each value: once a second, and the colours are those of the moment.
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const data = [times, ...lines.map((line) => line.values)] as uPlot.AlignedData;
    const plot = new uPlot(options(element.clientWidth || 300, lines), data, element);
    return () => plot.destroy();
  }, [times, lines]);
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
