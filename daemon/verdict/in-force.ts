import { isDeepStrictEqual } from 'node:util'
import { inTurns } from '../core/turn.ts'
import type { Unmatched } from '../settings/settings.ts'
import { Catalogue } from './catalogue.ts'
import { CompiledDocument, type ActiveDocument, type CompileContext } from './compiled-document.ts'
import { Judge } from './judge.ts'
import type { RoutingSettings } from './targets.ts'

/** The documents and routes by which messages are judged now, and the one place where they change. */
export class InForce {
  private context: CompileContext
  private unmatched: Unmatched
  /** Compiled ahead of the next activation. */
  private prepared: CompiledDocument[] = []
  private current: Judge

  constructor(context: CompileContext, unmatched: Unmatched) {
    this.context = context
    this.unmatched = unmatched
    this.current = this.makeJudge([], [])
  }

  get judge(): Judge {
    return this.current
  }

  get catalogue(): Catalogue {
    return this.current.catalogue
  }

  /** Compiles a document ahead of its activation, in steps between which messages are judged. */
  async prepare(document: ActiveDocument): Promise<void> {
    this.prepared = [await inTurns(CompiledDocument.compiling(document, this.context))]
  }

  /** From the next message on these documents judge; those that are compiled already are taken over. */
  activate(documents: readonly ActiveDocument[]): void {
    const known = [...this.catalogue.compiled, ...this.prepared]
    this.prepared = []
    this.current = this.makeJudge(documents, known)
  }

  /** Other routes, and another policy, for the next activation. */
  configure(settings: RoutingSettings, unmatched: Unmatched): void {
    // Documents are compiled again where their settings are another object.
    if (!isDeepStrictEqual(settings, this.context.settings)) this.context = { ...this.context, settings }
    this.unmatched = unmatched
  }

  private makeJudge(documents: readonly ActiveDocument[], known: readonly CompiledDocument[]): Judge {
    const { context, unmatched } = this
    return new Judge(new Catalogue(documents, context, known), context.book, unmatched, context.settings)
  }
}
