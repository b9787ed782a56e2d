/** The option table of the README, made from the JSON Schema of a configuration. */

const row = (cells) => `| ${cells.join(' | ')} |`;

/** One table for the top level and one for each section. */
export function optionTables(schema) {
  // What has no effect yet is told of in a sentence.
  const options = Object.entries(schema.properties).filter(
    ([, option]) => !option.description.startsWith('Without effect'),
  );
  const sections = options.filter(([, option]) => objectIn(option));
  const plain = options.filter(([, option]) => !objectIn(option));
  return [
    table(plain),
    ...sections.map(
      ([name, option]) => `**\`${name}\`** — ${option.description}\n\n${table(rowsOf(objectIn(option)))}`,
    ),
  ].join('\n\n');
}

/** The options of a section, those of a nested one under its name. */
function rowsOf({ properties }, prefix = '') {
  return Object.entries(properties).flatMap(([name, option]) => {
    const nested = objectIn(option);
    const path = prefix + name;
    return nested ? [[path, option], ...rowsOf(nested, `${path}.`)] : [[path, option]];
  });
}

function table(options) {
  const rows = options.map(([name, option]) =>
    row([`\`${name}\``, typeOf(option), defaultOf(option), (option.description ?? '').replaceAll('|', '\\|')]),
  );
  return [row(['Option', 'Type and range', 'Default', 'Meaning']), row(['---', '---', '---', '---']), ...rows].join(
    '\n',
  );
}

/** The object among a schema's alternatives, if it has named properties. */
function objectIn(schema) {
  if (schema.properties) return schema;
  return schema.anyOf?.map(objectIn).find(Boolean);
}

function defaultOf(option) {
  if (objectIn(option)) return 'on';
  return option.default === undefined ? '' : `\`${JSON.stringify(option.default)}\``;
}

function typeOf(option) {
  if (objectIn(option)) return option.anyOf ? 'object or `false`' : 'object';
  if (option['x-range']) return `duration, ${option['x-range']}`;
  if (option.anyOf) return [...new Set(option.anyOf.map(typeOf))].join(' or ');
  if (option.const !== undefined) return `\`${JSON.stringify(option.const)}\``;
  if (option.enum) return option.enum.map((value) => `\`${value}\``).join(', ');
  if (option.type === 'array') return `list of ${option.items.anyOf ? 'names or statuses' : typeOf(option.items)}`;
  if (option.type === 'object') return 'object of strings';
  return option.type + rangeOf(option);
}

function rangeOf({ minimum, maximum }) {
  const top = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum === undefined && top === undefined) return '';
  return top === undefined ? `, ${minimum} or more` : `, ${minimum} to ${top}`;
}

const start = '<!-- options: made by `npm run docs` from the schema -->';
const end = '<!-- /options -->';

/** The page with its option tables renewed. */
export function withOptionTables(readme, schema) {
  const from = readme.indexOf(start);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`The page has no ${start} … ${end}`);
  return `${readme.slice(0, from)}${start}\n\n${optionTables(schema)}\n\n${readme.slice(to)}`;
}
