/** The option tables of docs/options.md, made from the JSON Schema of a configuration. */

const row = (cells) => `| ${cells.join(' | ')} |`;

/** One table for the top level and one for each section. */
export function optionTables(schema) {
  const options = Object.entries(schema.properties);
  const isSection = ([, option]) => objectIn(option) !== undefined || itemIn(option) !== undefined;
  const top = options.filter((each) => !isSection(each)).map(([name, option]) => [name, option, false]);
  return [
    table(top),
    ...options
      .filter(isSection)
      .map(
        ([name, option]) =>
          `### \`${name}\`\n\n${option.description} ${defaultOfSection(name, option)}\n\n${table(sectionRows(name, option))}`,
      ),
  ].join('\n\n');
}

function defaultOfSection(name, option) {
  // The stack has it wherever there is something to balance.
  if (name === 'balance')
    return 'Default: on, with the values below, for a client that has `endpoints` or a `Discovery`.';
  return option.default === undefined ? 'Default: off.' : 'Default: on, with the values below.';
}

function sectionRows(name, option) {
  const item = itemIn(option);
  return item === undefined ? rowsOf(objectIn(option)) : rowsOf(item, `${name}[].`);
}

/** The options of a section; those of a nested one, or of the members of a list, under its name. */
function rowsOf({ properties, required = [] }, prefix = '') {
  return Object.entries(properties).flatMap(([name, option]) => {
    const path = prefix + name;
    const own = [path, option, required.includes(name)];
    const nested = objectIn(option);
    if (nested !== undefined) return [own, ...rowsOf(nested, `${path}.`)];
    const item = itemIn(option);
    return item === undefined ? [own] : [own, ...rowsOf(item, `${path}[].`)];
  });
}

function table(options) {
  const rows = options.map(([name, option, required]) =>
    row([
      `\`${name}\``,
      typeOf(option),
      defaultOf(option, required),
      (option.description ?? '').replaceAll('|', '\\|'),
    ]),
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

/** The object that each member of a list is. */
function itemIn(schema) {
  return schema.type === 'array' ? objectIn(schema.items) : undefined;
}

/** An object that need not be given is on where the schema has a default for it, and off where it has none. */
function defaultOf(option, required) {
  if (required) return 'required';
  if (objectIn(option)) return option.default === undefined ? 'off' : 'on';
  return option.default === undefined ? 'none' : `\`${JSON.stringify(option.default)}\``;
}

function typeOf(option) {
  if (objectIn(option)) return option.anyOf ? 'object or `false`' : 'object';
  if (option['x-range']) return `duration, ${option['x-range']}`;
  if (option.anyOf) return [...new Set(option.anyOf.map(typeOf))].join(' or ');
  if (option.const !== undefined) return `\`${JSON.stringify(option.const)}\``;
  if (option.enum) return option.enum.map((value) => `\`${value}\``).join(', ');
  if (option.type === 'array') return `list of ${membersOf(option.items)}`;
  if (option.type === 'object') return 'object of strings';
  return option.type + rangeOf(option);
}

function membersOf(items) {
  if (items.anyOf) return 'names or statuses';
  const one = typeOf(items);
  return one.replace(/^(object|string|integer)/, '$1s');
}

function rangeOf({ minimum, maximum }) {
  const top = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum === undefined && top === undefined) return '';
  return top === undefined ? `, ${minimum} or more` : `, ${minimum} to ${top}`;
}

const start = '<!-- options: made by `npm run docs` from the schema -->';
const end = '<!-- /options -->';

/** The page with its option tables renewed. */
export function withOptionTables(page, schema) {
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`The page has no ${start} … ${end}`);
  return `${page.slice(0, from)}${start}\n\n${optionTables(schema)}\n\n${page.slice(to)}`;
}
