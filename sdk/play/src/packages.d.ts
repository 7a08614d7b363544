/** The games by the hashes of their packages: what the page was built from. */
declare const __PACKAGES__: Readonly<Record<string, import("./games/known.js").GameName>>;
