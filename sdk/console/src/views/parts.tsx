/** Small parts that several views use. */
import type { ReactNode } from "react";
import type { Polled } from "../source.js";
import { short } from "../text.js";

/** An id: short, in full where there is room, and for who points at it. */
export function Id({ id, full = false, href }: { id: string; full?: boolean; href?: string }) {
  const text = (
    <code className={full ? "id full" : "id"} title={id} data-id={id}>
      {full ? id : short(id)}
    </code>
  );
  return href ? <a href={href}>{text}</a> : text;
}

export interface Fact {
  label: string;
  /** What tests and scripts find the value by. */
  field: string;
  value: ReactNode;
}

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl>
      {facts.map(({ label, field, value }) => (
        <div key={field}>
          <dt>{label}</dt>
          <dd data-field={field}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface Row {
  id: string;
  cells: ReactNode[];
}

/** A table that scrolls by itself where it is too wide. */
export function Table({
  name,
  columns,
  rows,
  none,
}: {
  name: string;
  columns: readonly string[];
  rows: readonly Row[];
  none: string;
}) {
  if (rows.length === 0) return <p className="note">{none}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <section className="scroll" tabIndex={0} aria-label={name}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, cells }) => (
            <tr key={id} data-row={id}>
              {cells.map((cell, index) => (
                <td key={columns[index] ?? index} data-column={columns[index]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What a view shows of a question: its answer, the trouble with it, or that it is under way. */
export function Answer<T>({
  polled,
  children,
}: {
  polled: Polled<T>;
  children: (value: T) => ReactNode;
}) {
  const { value, error } = polled;
  return (
    <>
      {error && (
        <p role="alert">
          {error.message}
          {value !== undefined && ". Below is what was answered before."}
        </p>
      )}
      {value === undefined ? !error && <p className="note">asking…</p> : children(value)}
    </>
  );
}

export function Tabs({
  name,
  tabs,
  current,
}: {
  name: string;
  tabs: readonly { id: string; label: string; href: string }[];
  current: string;
}) {
  return (
    <nav className="tabs" aria-label={name}>
      {tabs.map(({ id, label, href }) => (
        <a key={id} href={href} aria-current={id === current ? "page" : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}

/** A word that is good, or a reason to look. */
export function Mark({ good, children }: { good: boolean; children: ReactNode }) {
  return <span className={good ? "mark good" : "mark bad"}>{children}</span>;
}

/** Text as it is written. What scrolls can be scrolled by keys. */
export function Verbatim({ children }: { children: string }) {
  // biome-ignore lint/a11y/noNoninteractiveTabindex: so that keys reach what scrolls
  return <pre tabIndex={0}>{children}</pre>;
}
