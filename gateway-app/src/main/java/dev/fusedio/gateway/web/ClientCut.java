package dev.fusedio.gateway.web;

/** Why a client's connection was cut. */
enum ClientCut {
    /** There are as many as are allowed. */
    CONNECTIONS,
    /** The head of its request was not whole in time. */
    HEAD,
    /** It sent nothing of a body that was waited for. */
    BODY,
    /** It took nothing of an answer. */
    ANSWER
}
