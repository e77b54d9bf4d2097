package dev.fusedio.gateway.web;

import java.net.URI;
import java.util.Locale;
import org.springframework.http.HttpStatus;

/**
 * Every kind of problem the API answers with. A kind's {@linkplain #uri() type} and {@linkplain #code() code} are part
 * of the API and never change; title and detail are for people.
 */
public enum ProblemType {
    /** Malformed JSON, an unknown or missing field, a value of the wrong form. */
    INVALID_REQUEST(HttpStatus.BAD_REQUEST, "The request is not valid"),
    /** A body whose length is not what was announced or needed. */
    LENGTH_MISMATCH(HttpStatus.BAD_REQUEST, "The body has not the length of the range"),
    /** No credentials, or none that are known. */
    UNAUTHENTICATED(HttpStatus.UNAUTHORIZED, "Who sends the request is not known"),
    /** The caller's role does not cover it. */
    FORBIDDEN(HttpStatus.FORBIDDEN, "The caller may not do that"),
    /** Authentication is off, and the request was meant for a host that is not this machine. */
    WRONG_HOST(HttpStatus.FORBIDDEN, "The request is meant for another host"),
    /** Too many failed attempts to authenticate. */
    TOO_MANY_FAILURES(HttpStatus.TOO_MANY_REQUESTS, "Too many attempts failed"),
    /** No such path. */
    NOT_FOUND(HttpStatus.NOT_FOUND, "There is nothing at this address"),
    /** No volume of that name. */
    VOLUME_NOT_FOUND(HttpStatus.NOT_FOUND, "There is no such volume"),
    /** No session of that id. */
    SESSION_NOT_FOUND(HttpStatus.NOT_FOUND, "There is no such session"),
    /** No attachment of that id. */
    ATTACHMENT_NOT_FOUND(HttpStatus.NOT_FOUND, "There is no such attachment"),
    /** No token of that name. */
    TOKEN_NOT_FOUND(HttpStatus.NOT_FOUND, "There is no such token"),
    /** No operation of that id. */
    OPERATION_NOT_FOUND(HttpStatus.NOT_FOUND, "There is no such operation"),
    /** The path exists, not for this method. */
    METHOD_NOT_ALLOWED(HttpStatus.METHOD_NOT_ALLOWED, "The address does not know this method"),
    /** None of the accepted media types can be made. */
    NOT_ACCEPTABLE(HttpStatus.NOT_ACCEPTABLE, "No acceptable media type can be made"),
    /** The name is taken. */
    VOLUME_EXISTS(HttpStatus.CONFLICT, "The name is taken"),
    /** A token's name is taken. */
    TOKEN_EXISTS(HttpStatus.CONFLICT, "The token's name is taken"),
    /** The token is a file's, or the last that may give tokens. */
    TOKEN_NEEDED(HttpStatus.CONFLICT, "The token is needed"),
    /** As many tokens as there may be. */
    TOO_MANY_TOKENS(HttpStatus.CONFLICT, "There are too many tokens"),
    /** NBD sessions or an attachment have the volume open. */
    VOLUME_IN_USE(HttpStatus.CONFLICT, "The volume is in use"),
    /** Something uses the device, or its source is attached already. */
    ATTACHMENT_IN_USE(HttpStatus.CONFLICT, "The attachment is in use"),
    /** The volume can't be written. */
    VOLUME_READ_ONLY(HttpStatus.CONFLICT, "The volume is read-only"),
    /** Its record or data are damaged. */
    VOLUME_DAMAGED(HttpStatus.CONFLICT, "The volume is damaged"),
    /** The volume that is copied was written meanwhile. */
    SOURCE_CHANGED(HttpStatus.CONFLICT, "The source has changed"),
    /** Smaller than it is. */
    SHRINK_REFUSED(HttpStatus.CONFLICT, "Volumes do not shrink"),
    /** Events that are not held any more, or were another process'. */
    EVENTS_GONE(HttpStatus.GONE, "The events are gone"),
    /** If-Match names another revision. */
    REVISION_MISMATCH(HttpStatus.PRECONDITION_FAILED, "It has changed"),
    /** A change without If-Match. */
    PRECONDITION_REQUIRED(HttpStatus.PRECONDITION_REQUIRED, "If-Match is needed"),
    /** The body is larger than allowed. */
    CONTENT_TOO_LARGE(HttpStatus.CONTENT_TOO_LARGE, "The body is too large"),
    /** A first line beyond what is read. */
    URI_TOO_LONG(HttpStatus.URI_TOO_LONG, "The address is too long"),
    /** Not a media type this address reads. */
    UNSUPPORTED_MEDIA_TYPE(HttpStatus.UNSUPPORTED_MEDIA_TYPE, "The media type is not supported"),
    /** Outside of the volume. */
    RANGE_NOT_SATISFIABLE(HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The range is outside of the volume"),
    /** This machine's kernel, or what this process may do, allows no block devices. */
    ATTACHMENTS_UNAVAILABLE(HttpStatus.NOT_IMPLEMENTED, "This machine can't have block devices"),
    /** A remote export can't be had. */
    SOURCE_UNREACHABLE(HttpStatus.BAD_GATEWAY, "The remote export can't be had"),
    /** More transfers run than allowed. */
    TOO_MANY_TRANSFERS(HttpStatus.SERVICE_UNAVAILABLE, "Too many transfers run"),
    /** More operations run than allowed. */
    TOO_MANY_OPERATIONS(HttpStatus.SERVICE_UNAVAILABLE, "Too many operations run"),
    /** The gateway is stopping or a volume is closing. */
    UNAVAILABLE(HttpStatus.SERVICE_UNAVAILABLE, "Not available now"),
    /** The storage is full. */
    INSUFFICIENT_STORAGE(HttpStatus.INSUFFICIENT_STORAGE, "The storage is full"),
    /** The storage failed. */
    STORAGE_ERROR(HttpStatus.INTERNAL_SERVER_ERROR, "The storage failed"),
    /** A fault of the gateway itself. */
    INTERNAL_ERROR(HttpStatus.INTERNAL_SERVER_ERROR, "The gateway failed");

    private final HttpStatus status;
    private final String title;

    ProblemType(final HttpStatus status, final String title) {
        this.status = status;
        this.title = title;
    }

    /** What programs compare: {@code volume-not-found}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The same as a URI, as RFC 9457 wants it: {@code urn:fusedio:problem:volume-not-found}. */
    public URI uri() {
        return URI.create("urn:fusedio:problem:" + code());
    }

    public HttpStatus status() {
        return status;
    }

    public String title() {
        return title;
    }
}
