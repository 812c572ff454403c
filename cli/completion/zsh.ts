import type { Place, Value } from './tree.ts';

/** A zsh function that completes \`flywheel\` from what it holds, with descriptions; it starts no program. */
export function zshCompletion(places: readonly Place[]): string {
  const cases = places.map(
    ({ path, commands, options }) => `    '${path}')
      commands=(${commands.map(({ name, description }) => described(name, description)).join(' ')})
      options=(${options.map(({ flag, description }) => described(flag, description)).join(' ')})
      valued=(${options.flatMap(({ flag, value }) => (value === undefined ? [] : [quoted(flag)])).join(' ')}) ;;`,
  );
  return `#compdef flywheel
# zsh completion of flywheel, made by \`flywheel completion zsh\`.

__flywheel_place() {
  case "$1" in
${cases.join('\n')}
    *) return 1 ;;
  esac
}

__flywheel_values() {
  case "$1" in
${places.flatMap(valueCases).join('\n')}
    *) values=() ;;
  esac
}
${walk}`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** \`name:description\`; a colon in the name is escaped, and the description is one line. */
const described = (name: string, description: string): string =>
  quoted(`${name.replaceAll(':', String.raw`\:`)}:${description.replaceAll(/\s+/g, ' ')}`);

const known = (pattern: string, value: Value): string[] =>
  value.kind === 'any' ? [] : [`    ${pattern}) values=(${textOf(value)}) ;;`];

function valueCases({ path, options, words }: Place): string[] {
  const last = words.at(-1);
  return [
    ...options.flatMap(({ flag, value }) => (value === undefined ? [] : known(`'${path} ${flag}'`, value))),
    ...words.flatMap((word, index) => known(`'${path} ${index}'`, word)),
    ...(last === undefined ? [] : known(`'${path} '[0-9]*`, last)),
  ];
}

const textOf = (value: Value): string => (value.kind === 'choices' ? value.choices.map(quoted).join(' ') : "'!files'");

const walk = `
_flywheel() {
  local current=\${words[CURRENT]} at='' flag='' word
  local -a commands options valued values
  integer count=0 index
  __flywheel_place ''
  for ((index = 2; index < CURRENT; index++)); do
    word=\${words[index]}
    if [[ -n $flag ]]; then flag=''; continue; fi
    if [[ $word == -* ]]; then
      if (( \${valued[(Ie)$word]} )); then flag=$word; fi
    elif (( \${commands[(I)$word:*]} )); then
      if [[ $word == help ]]; then continue; fi
      at="\${at:+$at }$word"
      count=0
      __flywheel_place "$at"
    else
      (( count += 1 ))
    fi
  done
  if [[ -n $flag ]]; then
    __flywheel_values "$at $flag"
  elif [[ $current == -* ]]; then
    _describe -t options option options
    return
  else
    __flywheel_values "$at $count"
    if (( count == 0 && $#commands )); then _describe -t commands command commands; fi
  fi
  if (( \${values[(Ie)!files]} )); then _files; else compadd -a values; fi
}
if [[ $funcstack[1] == _flywheel ]]; then _flywheel "$@"; else compdef _flywheel flywheel; fi
`;
