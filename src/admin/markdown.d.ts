/** A file of Markdown as text, which the build puts in. */
declare module '*.md' {
  const text: string;
  export default text;
}
