/** A topic that no client may subscribe or publish to. */
export const NOWHERE = '$stepflow/nowhere'
