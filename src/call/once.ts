/** Puts off what takes long to make, and need not be there when a module is loaded. */

/** Calls `make` the first time only. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
