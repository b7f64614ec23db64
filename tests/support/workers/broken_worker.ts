/**
 * A Worker that fails before it can say so itself.
 *
 * @module
 */
throw new Error("broken on purpose");
