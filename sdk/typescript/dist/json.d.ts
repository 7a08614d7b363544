/** JSON whose whole numbers keep their value: what a `number` cannot hold exactly is a `bigint`. */
/** Parses a message. Throws a `SyntaxError` when it is no JSON. */
export declare function parseJson(text: string): unknown;
/** Writes a message: a `bigint` as decimal text, bytes as hex text, as the API takes them. */
export declare function writeJson(value: unknown): string;
