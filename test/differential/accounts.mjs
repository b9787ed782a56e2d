/** Explains each row that differs: by a sentence of the docs, or as known until a point of issue 16 is done. */
export const accounts = [];
