/** Listeners of one kind of event. */
export declare class Emitter<Event> {
    #private;
    /** Adds a listener; the answer takes it away again. */
    on(listener: (event: Event) => void): () => void;
    get size(): number;
    /** Tells every listener. One that throws does not keep the others from it, nor the caller. */
    emit(event: Event): void;
}
