import type { Place, Value } from './tree.ts';

/** A bash script that completes `flywheel` from what it holds; it starts no program. */
export function bashCompletion(places: readonly Place[]): string {
  const cases = places.map(
    ({ path, commands, options }) => `    '${path}')
      commands='${commands.map(({ name }) => name).join(' ')}'
      options='${options.map(({ flag }) => flag).join(' ')}'
      valued=' ${options.flatMap(({ flag, value }) => (value === undefined ? [] : [flag])).join(' ')} ' ;;`,
  );
  return `${head}
# What may follow the words of a command.
__flywheel_place() {
  case "$1" in
${cases.join('\n')}
    *) return 1 ;;
  esac
}

# What may follow an option, or be the given word after a command: words, or !files.
__flywheel_values() {
  case "$1" in
${places.flatMap(valueCases).join('\n')}
    *) values='' ;;
  esac
}
${walk}`;
}

const head = `# bash completion of flywheel, made by \`flywheel completion bash\`. Needs bash 4 or newer.`;

const known = (pattern: string, value: Value): string[] =>
  value.kind === 'any' ? [] : [`    ${pattern}) values='${textOf(value)}' ;;`];

function valueCases({ path, options, words }: Place): string[] {
  const last = words.at(-1);
  return [
    ...options.flatMap(({ flag, value }) => (value === undefined ? [] : known(`'${path} ${flag}'`, value))),
    ...words.flatMap((word, index) => known(`'${path} ${index}'`, word)),
    ...(last === undefined ? [] : known(`'${path} '[0-9]*`, last)),
  ];
}

const textOf = (value: Value): string => (value.kind === 'choices' ? value.choices.join(' ') : '!files');

const walk = `
_flywheel() {
  local current=\${COMP_WORDS[COMP_CWORD]} at='' commands options valued values flag='' count=0 index word IFS=' '
  COMPREPLY=()
  __flywheel_place ''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $word == '=' ]]; then continue; fi
    if [[ -n $flag ]]; then flag=''; continue; fi
    if [[ $word == -* ]]; then
      if [[ $valued == *" $word "* ]]; then flag=$word; fi
    elif [[ " $commands " == *" $word "* ]]; then
      if [[ $word == help ]]; then continue; fi
      at="\${at:+$at }$word"
      count=0
      __flywheel_place "$at"
    else
      ((count += 1))
    fi
  done
  if [[ $current == '=' ]]; then current=''; fi
  if [[ -n $flag ]]; then
    __flywheel_values "$at $flag"
  elif [[ $current == -* ]]; then
    values=$options
  else
    __flywheel_values "$at $count"
    if [[ -n $commands ]] && ((count == 0)); then values="$commands $values"; fi
  fi
  for word in $values; do
    if [[ $word == '!files' ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
    elif [[ $word == "$current"* ]]; then
      COMPREPLY+=("$word")
    fi
  done
}
complete -F _flywheel flywheel
`;
