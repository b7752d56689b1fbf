/** Breaks texts in one to three places. Repeatable by its seed, which is part of the test's name. */
export function mutator(seed: number): (text: string) => string {
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const mutate = (text: string): string => {
    const at = random(text.length)
    const pieces = [
      '',
      '[',
      '}',
      ': ',
      '\n  ',
      '*a',
      '&a ',
      '$ref: ',
      "'#/components'",
      'null',
      '{}',
      '- ',
      '1e999',
      '__proto__: ',
      text.slice(at, at + 40),
    ]
    return text.slice(0, at) + (pieces[random(pieces.length)] ?? '') + text.slice(at + random(12))
  }
  return (text) => {
    let mutated = text
    for (let times = 1 + random(3); times > 0; times--) mutated = mutate(mutated)
    return mutated
  }
}
