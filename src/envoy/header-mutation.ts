/** Reads the header mutations of Envoy's files, level by level. */
import { type HeaderLevel, type HeaderMutation, headerActions } from './header-outcome.js';
import type { Draft, Reader } from './reader.js';

/** The changes of one part of the file, and lines about its other headers. */
export function readLevel(level: Reader, draft: Draft): HeaderLevel {
  const mutations = new Map<string, HeaderMutation[]>();
  const put = (found: [string, HeaderMutation] | undefined) => {
    if (found !== undefined) mutations.set(found[0], [...(mutations.get(found[0]) ?? []), found[1]]);
  };
  for (const name of level.list('request_headers_to_remove')) put(readRemoval(name));
  for (const added of level.list('request_headers_to_add')) put(readAddition(added, draft));
  for (const name of ['response_headers_to_add', 'response_headers_to_remove'])
    level.get(name)?.unmapped('change response headers in an axios interceptor');
  return mutations;
}

/** A list of `HeaderMutation`: Envoy makes these changes one after the other, each as a level of its own. */
export function readMutations(list: readonly Reader[], draft: Draft): HeaderLevel[] {
  return list.flatMap((mutation) => {
    const [remove, append] = [mutation.structure().get('remove'), mutation.get('append')];
    mutation.get('remove_on_match')?.unmapped('headers are left out by their names: list each of them');
    if (/^(host$|:)/i.test(remove?.text() ?? '')) {
      remove?.unmapped('a request has this header in any case');
      return [];
    }
    const found = remove === undefined ? append && readAddition(append, draft) : readRemoval(remove);
    return found === undefined ? [] : [new Map([[found[0], [found[1]]]])];
  });
}

/** The changes of `header_mutation` filters, which Envoy makes before those of the routes. */
export function readMutationFilters(manager: Reader, draft: Draft): HeaderLevel[] {
  return manager.list('http_filters').flatMap((filter) => {
    const { type, fields } = filter.extension();
    if (type !== 'HeaderMutation' || fields === undefined) return [];
    const mutations = fields.structure().get('mutations')?.structure();
    fields.get('most_specific_header_mutations_wins')?.structure();
    for (const name of ['response_mutations', 'response_trailers_mutations'])
      mutations?.get(name)?.unmapped('change response headers in an axios interceptor');
    for (const name of ['query_parameter_mutations', 'request_trailers_mutations'])
      mutations?.get(name)?.unmapped('change these in a perCall policy');
    const levels = readMutations(mutations?.list('request_mutations') ?? [], draft);
    const off = filter.get('disabled');
    if (off?.boolean() !== true) return levels;
    return [];
  });
}

function readRemoval(reader: Reader): [string, HeaderMutation] | undefined {
  const name = readHeaderName(reader);
  return name === undefined ? undefined : [name, { action: 'REMOVE', value: '', reader }];
}

/** A header that a level adds, by its lower-case name; undefined where it does not, or cannot here. */
function readAddition(added: Reader, draft: Draft): [string, HeaderMutation] | undefined {
  const header = added.structure().get('header')?.structure();
  const key = header?.get('key');
  const name = key && readHeaderName(key, added);
  const append = added.get('append')?.structure();
  const kept = added.get('keep_empty_value')?.structure().boolean() === true;
  const named = added.get('append_action')?.structure();
  if (append !== undefined && named !== undefined)
    return added.fault('append and append_action are both set, which Envoy refuses');
  const given = named === undefined ? headerActions[append?.boolean() === false ? 2 : 0] : named.enum(headerActions);
  const action = given ?? 'APPEND_IF_EXISTS_OR_ADD';
  header?.get('raw_value')?.unmapped('Envoy does not send it in a header that a route adds: set value');
  const value = valueIn(header?.get('value'));
  if (name === undefined) return undefined;
  if (value === undefined)
    added.unmapped('there are no command operators such as %…%: set such a header in a perCall policy');
  else if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) added.unmapped('this is not a header that HTTP/1.1 can send');
  else if (value !== '' || kept) return [name, { action, value, reader: added }];
  else added.exact(draft, 'headers', 'an empty value is not sent without keep_empty_value');
  return undefined;
}

/** Headers of the connection and of the body, which the transport makes for each request. */
const ofTransport = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** The lower-case name of a header; undefined, with a line on `place`, for one that cannot be changed. */
export function readHeaderName(reader: Reader, place = reader): string | undefined {
  const name = reader.structure().text()?.toLowerCase();
  if (name === undefined) return undefined;
  if (name === 'host' || name === '' || name.startsWith(':'))
    return place.fault('Envoy refuses to change this header here: host_rewrite_literal sets the Host header');
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && !ofTransport.has(name)) return name;
  place.unmapped(
    ofTransport.has(name)
      ? 'this header is made for each request by the transport'
      : 'this is not a header that HTTP/1.1 can send',
  );
  return undefined;
}

/** The value with `%%` as a percent sign, and its UTF-8 as the bytes that Envoy sends; undefined for an operator. */
function valueIn(value: Reader | undefined): string | undefined {
  const text = (value?.structure().text() ?? '').replaceAll('%%', '\0');
  if (text.includes('%')) return undefined;
  return Buffer.from(text.replaceAll('\0', '%'), 'utf8').toString('latin1');
}
